import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';

/** How a call ended; `response` empty bytes where it failed. */
export type RawAnswer = {
  readonly code: keyof typeof status;
  readonly message: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly response: Uint8Array;
};

/** A client that sends what it is told, bytes that are no message too. */
export type RawClient = {
  send(path: string, bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<RawAnswer>;
  /** Sends a message. @throws Error when the call fails. */
  call<In extends DescMessage, Out extends DescMessage>(
    method: DescMethodUnary<In, Out>,
    request: MessageInitShape<In>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<MessageShape<Out>>;
  /** Sends a message and says how the call ended. */
  end<In extends DescMessage, Out extends DescMessage>(
    method: DescMethodUnary<In, Out>,
    request: MessageInitShape<In>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RawAnswer>;
  close(): void;
};

export function rawClient(address: string, channel = credentials.createInsecure()): RawClient {
  const client = new Client(address, channel, {
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  const send: RawClient['send'] = (path, bytes, headers = {}) =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const deadline = Date.now() + 10_000;
      const asBytes = (of: Uint8Array): Buffer => Buffer.from(of);
      client.makeUnaryRequest(
        path,
        asBytes,
        (of) => of,
        bytes,
        metadata,
        { deadline },
        (error, response) => {
          resolve({
            code: status[error?.code ?? status.OK] as keyof typeof status,
            message: error?.details ?? '',
            trailers: error?.metadata?.getMap() ?? {},
            response: response ?? new Uint8Array(),
          });
        },
      );
    });
  const end: RawClient['end'] = (method, request, headers) =>
    send(`/${method.parent.typeName}/${method.name}`, toBinary(method.input, create(method.input, request)), headers);
  return {
    send,
    end,
    async call(method, request, headers) {
      const { code, message, response } = await end(method, request, headers);
      if (code !== 'OK') throw new Error(`${code}: ${message}`);
      return fromBinary(method.output, response);
    },
    close: () => client.close(),
  };
}
