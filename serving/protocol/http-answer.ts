import type { ServerResponse } from 'node:http';

import { isCoded } from '../../domain/errors.ts';
import { statusOf } from './failures.ts';

/** What goes back to a client of REST. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
};

const json = { 'content-type': 'application/json; charset=utf-8' } as const;

/** A JSON text as an answer; `headers` come beside its media type. */
export function jsonAnswer(status: number, body: string, headers?: Readonly<Record<string, string>>): HttpAnswer {
  return { status, headers: headers === undefined ? json : { ...json, ...headers }, body };
}

/**
 * An error as an answer: `{ code, message, remedy }`, the field where one is at fault, and for the inference protocol its `error` too. A fault of
 * ours without a code goes to the process's own log, with its stack, and not to the client.
 */
export function failureAnswer(error: unknown, protocol: 'rest' | 'rows'): HttpAnswer {
  const { http, code, message, remedy, field, retryAfterMs } = statusOf(error);
  if (http === 500 && !isCoded(error)) console.error(error);
  const told = {
    ...(protocol === 'rest' ? { error: message } : {}),
    code,
    message,
    remedy,
    ...(field === null ? {} : { field }),
  };
  return jsonAnswer(http, JSON.stringify(told), {
    ...(http === 401 ? { 'www-authenticate': 'Bearer realm="perdura"' } : {}),
    ...(retryAfterMs === null ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
  });
}

/** Writes an answer. A client that is gone by now gets none, which is no error. */
export function writeAnswer(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
