import type { Metadata } from '@grpc/grpc-js';
import type { Call, Credential } from '../../answering/call.ts';
import type { TraceCarrier } from '../../observe/tracing.ts';
import type { ModelInferRequest } from './generated/inference_pb.ts';
import { refusedInput } from '../refused-input.ts';
import { inputOf } from '../records-input.ts';
import { tensorsIn } from './request-tensors.ts';

/** Ids are visible text of bounded length: control characters would not survive the log. */
const visible = /^\P{C}{1,200}$/u;

/** What a call says of who sends it. */
export function credentialOf(metadata: Metadata): Credential {
  return { authorization: headerOf(metadata, 'authorization'), apiKey: headerOf(metadata, 'x-api-key') };
}

/** What a call says of its client's trace. */
function traceOf(metadata: Metadata): TraceCarrier {
  const [traceparent, tracestate] = [headerOf(metadata, 'traceparent'), headerOf(metadata, 'tracestate')];
  return { traceparent: traceparent ?? undefined, tracestate: tracestate ?? undefined };
}

/** Turns a ModelInfer request into a call. @throws CodedError INPUT_INVALID naming the field. */
export function callOf(request: ModelInferRequest, metadata: Metadata): Call {
  return {
    protocol: 'grpc',
    endpoint: request.modelName,
    modelVersion: request.modelVersion === '' ? null : request.modelVersion,
    requestId: request.id === '' ? null : checkedId('id', request.id),
    subject: subjectOf(request, metadata),
    arm: headerOf(metadata, 'x-perdura-arm'),
    credential: credentialOf(metadata),
    trace: traceOf(metadata),
    input: inputOf(
      tensorsIn(request),
      request.outputs.map(({ name }) => name),
    ),
  };
}

function subjectOf({ parameters }: ModelInferRequest, metadata: Metadata): string | null {
  const choice = Object.hasOwn(parameters, 'subject') ? parameters['subject']?.parameterChoice : undefined;
  if (choice === undefined) {
    const header = headerOf(metadata, 'x-perdura-subject');
    return header === null ? null : checkedId('x-perdura-subject', header);
  }
  if (choice.case !== 'stringParam')
    throw refusedInput(`Parameter 'subject' must be a string_param. Send it as text.`, 'subject');
  return checkedId('subject', choice.value);
}

function checkedId(field: string, id: string): string {
  if (visible.test(id)) return id;
  throw refusedInput(
    `'${field}' must be 1 to 200 visible characters, got ${id.length}. Send a shorter one, or none.`,
    field,
  );
}

function headerOf(metadata: Metadata, name: string): string | null {
  const [value] = metadata.get(name);
  return typeof value === 'string' ? value : null;
}
