import type { IncomingHttpHeaders } from 'node:http';

import type { Answered, Call } from '../../answering/call.ts';
import { credentialOf, single, traceOf } from '../credential.ts';
import type { HttpAnswer } from '../http-answer.ts';
import { idOf } from '../json-body.ts';
import { inputOf } from '../records-input.ts';
import { inferAnswer } from './infer-answer.ts';
import { headerLengthOf, parseInfer } from './infer-request.ts';

/** A request's call, and how its answer is written. */
export type PreparedCall = { readonly call: Call; readonly write: (answered: Answered) => HttpAnswer };

/** Reads an inference request. @throws CodedError INPUT_INVALID. */
export function prepareInfer(
  asked: { readonly endpoint: string; readonly modelVersion: string | null },
  headers: IncomingHttpHeaders,
  body: Buffer,
): PreparedCall {
  const headerLength = headerLengthOf(single(headers['inference-header-content-length']));
  const { id, subject, inputs, outputs, binaryOutput } = parseInfer(body, headerLength);
  const call: Call = {
    protocol: 'rest',
    endpoint: asked.endpoint,
    modelVersion: asked.modelVersion,
    requestId: id,
    subject: subject ?? idOf(headers['x-perdura-subject'], 'x-perdura-subject'),
    arm: single(headers['x-perdura-arm']),
    credential: credentialOf(headers),
    trace: traceOf(headers),
    input: inputOf(inputs, outputs),
  };
  return { call, write: (answered) => inferAnswer(answered, { binary: binaryOutput }) };
}
