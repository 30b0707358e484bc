import type { IncomingHttpHeaders } from 'node:http';

import type { Credential } from '../answering/call.ts';
import type { TraceCarrier } from '../observe/tracing.ts';

/** What a request's headers say of who sends it. */
export function credentialOf(headers: IncomingHttpHeaders): Credential {
  return { authorization: headers.authorization ?? null, apiKey: single(headers['x-api-key']) };
}

/** What a request's headers say of the client's trace. */
export function traceOf(headers: IncomingHttpHeaders): TraceCarrier {
  return headers as TraceCarrier;
}

/** A header that may stand once; null where it does not stand. */
export function single(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null;
  return typeof header === 'string' ? header : (header[0] ?? null);
}
