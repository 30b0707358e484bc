import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CodedError } from '../../domain/errors.ts';
import type { Answered, Call } from '../answering/call.ts';
import { unknownEndpoint } from '../answering/control-channel.ts';
import type { AnsweringParts } from '../answering/parts.ts';
import type { ServingMetrics } from '../observe/metrics.ts';
import { credentialOf } from './credential.ts';
import { refusedRequest } from './failures.ts';
import { failureAnswer, type HttpAnswer, jsonAnswer, writeAnswer } from './http-answer.ts';
import { createBodyReader } from './http-body.ts';
import type { HttpTarget } from './http-target.ts';
import { shown } from './refused-input.ts';
import { prepareInfer } from './rest/infer.ts';
import { parseLabels } from './rows/labels.ts';
import { preparePredict } from './rows/predict.ts';

/** Answers one request that posts a body. */
export type PostHandler = (request: IncomingMessage, response: ServerResponse, target: HttpTarget) => void;

export type PostOptions = {
  /** Larger bodies are answered 413. */
  readonly bodyLimitBytes: number;
  readonly metrics: ServingMetrics;
};

type Posted = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: HttpTarget;
  readonly started: number;
};

/**
 * Answers what is posted: inferences, predictions, labels. It stands before Fastify and works on Node's own request and response, because at a few
 * hundredths of a millisecond a request a framework's way of reading bodies is a large part of the whole.
 */
export function createPostHandler(parts: AnsweringParts, options: PostOptions): PostHandler {
  const readBody = createBodyReader(options.bodyLimitBytes);
  return (request, response, target) => {
    const posted = { request, response, target, started: performance.now() };
    const refused = refusedHead(request, target);
    if (refused === null) return readBody(request, (body) => void answerPost(parts, options, posted, body));
    request.resume();
    void answerPost(parts, options, posted, refused);
  };
}

/** Never throws: whatever goes wrong is the answer. */
async function answerPost(
  parts: AnsweringParts,
  { metrics }: PostOptions,
  { request, response, target, started }: Posted,
  body: Buffer | CodedError,
): Promise<void> {
  let answer: HttpAnswer;
  let arm = 'none';
  try {
    if (!(body instanceof Buffer)) throw body;
    if (target.action === 'labels') {
      answer = await takeLabels(parts, target, request, body);
    } else {
      const { call, write } = prepare(target, request, body);
      const answered = await parts.answer(call);
      arm = answered.arm;
      answer = write(answered);
    }
  } catch (error) {
    answer = failureAnswer(error, target.protocol);
  }
  writeAnswer(response, answer);
  if (target.action === 'labels') return;
  const endpoint = parts.endpoints.current(target.endpoint) === null ? null : target.endpoint;
  metrics.request({
    endpoint,
    arm,
    protocol: target.protocol,
    status: answer.status,
    seconds: (performance.now() - started) / 1_000,
  });
}

function prepare(
  target: HttpTarget,
  { headers }: IncomingMessage,
  body: Buffer,
): { readonly call: Call; readonly write: (answered: Answered) => HttpAnswer } {
  return target.action === 'infer' ? prepareInfer(target, headers, body) : preparePredict(target, headers, body);
}

async function takeLabels(
  parts: AnsweringParts,
  { endpoint }: HttpTarget,
  { headers }: IncomingMessage,
  body: Buffer,
): Promise<HttpAnswer> {
  const labels = parseLabels(body);
  await parts.recordLabels(endpoint, credentialOf(headers), labels);
  return jsonAnswer(202, `{"accepted":${labels.length}}`);
}

/** What can be refused before the body is read; null: nothing. */
function refusedHead({ headers, url = '' }: IncomingMessage, { endpoint, action }: HttpTarget): CodedError | null {
  if (endpoint === '') return unknownEndpoint(shown(url));
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    return refusedRequest(415, "A body may not be compressed. Send it without 'content-encoding'.");
  }
  const type = headers['content-type'];
  if (type === undefined || type === 'application/json' || type.startsWith('application/json;')) return null;
  // A body of JSON and binary tensors has no media type of its own.
  if (action === 'infer' && type === 'application/octet-stream') return null;
  return refusedRequest(415, `A body must be application/json, not ${shown(type)}. Send it with that content-type.`);
}
