import { type DescMessage, type DescMethodUnary, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { handleUnaryCall, Metadata, Server } from '@grpc/grpc-js';
import { CodedError, isCoded } from '../../../domain/errors.ts';
import { grpcStatusOf } from './grpc-status.ts';

/** What a method does with a call. */
export type Method<In extends DescMessage, Out extends DescMessage> = {
  /** Answers the call; what it throws becomes the call's status. */
  readonly answer: (request: MessageShape<In>, metadata: Metadata) => Reply<Out> | Promise<Reply<Out>>;
  /** Hears of each call's end. */
  readonly ended?: (call: EndedCall<In>) => void;
};

/** A message, or the bytes of one and by which arm they were answered. */
export type Reply<Out extends DescMessage> = MessageShape<Out> | WrittenReply;
export type WrittenReply = { readonly bytes: Buffer; readonly arm: string };

/** `status` as REST would have answered; `request` null where it could not be read, `arm` null where none answered. */
export type EndedCall<In extends DescMessage> = {
  readonly request: MessageShape<In> | null;
  readonly arm: string | null;
  readonly status: number;
  readonly seconds: number;
};

/**
 * Adds a unary method to a server. Bytes that are no message are the client's fault: so they are read here and not by the server's own
 * machinery, which would call that INTERNAL.
 */
export function addMethod<In extends DescMessage, Out extends DescMessage>(
  server: Server,
  description: DescMethodUnary<In, Out>,
  { answer, ended }: Method<In, Out>,
): void {
  const handle: handleUnaryCall<MessageShape<In> | CodedError, Reply<Out>> = (call, reply) => {
    const since = ended === undefined ? 0 : performance.now();
    const request = call.request instanceof CodedError ? null : call.request;
    const end = (status: number, arm: string | null): void =>
      ended?.({ request, arm, status, seconds: (performance.now() - since) / 1_000 });
    const fail = (error: unknown): void => {
      const { http, sent } = grpcStatusOf(error);
      if (http === 500 && !isCoded(error)) console.error(error);
      reply(sent);
      end(http, null);
    };
    const succeed = (response: Reply<Out>): void => {
      reply(null, response);
      end(200, isWritten(response) ? response.arm : null);
    };
    if (call.request instanceof CodedError) return fail(call.request);
    try {
      const answered = answer(call.request, call.metadata);
      if (answered instanceof Promise) answered.then(succeed, fail);
      else succeed(answered);
    } catch (error) {
      fail(error);
    }
  };
  server.register(
    pathOf(description),
    handle,
    (response: Reply<Out>) =>
      isWritten(response) ? response.bytes : Buffer.from(toBinary(description.output, response)),
    (bytes: Buffer) => read(description.input, bytes),
    'unary',
  );
}

function isWritten(reply: object): reply is WrittenReply {
  return 'bytes' in reply;
}

/** `/<package>.<service>/<method>`. */
function pathOf(description: Pick<DescMethodUnary, 'name' | 'parent'>): string {
  return `/${description.parent.typeName}/${description.name}`;
}

function read<In extends DescMessage>(schema: In, bytes: Uint8Array): MessageShape<In> | CodedError {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    const problem = (error as Error).message;
    return new CodedError('INPUT_INVALID', `The request is no ${schema.typeName}: ${problem}. Send one, as protobuf.`, {
      details: { field: schema.typeName },
      cause: error,
    });
  }
}
