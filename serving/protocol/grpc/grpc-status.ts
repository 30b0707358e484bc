import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { statusOf } from '../failures.ts';

/** gRPC's codes for what REST answers with these statuses; every other one is a fault of ours. */
const codes: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  413: status.RESOURCE_EXHAUSTED,
  429: status.RESOURCE_EXHAUSTED,
  503: status.UNAVAILABLE,
};

/** A status travels in headers, where clients take little more than 8 KiB, and each character may become nine there. */
const longestDetails = 600;
/** What a header's value may hold. */
const plain = /^[\x20-\x7e]{1,200}$/;

/** A failed call: what gRPC sends for it, and the status that REST would have answered, which metrics count. */
export type FailedCall = { readonly http: number; readonly sent: Pick<StatusObject, 'code' | 'details' | 'metadata'> };

/**
 * Turns a thrown value into a gRPC status. The trailing metadata holds our own code (`perdura-code`), the field at fault where there is one
 * (`perdura-field`), and `retry-after` in seconds where a limit was met.
 */
export function grpcStatusOf(error: unknown): FailedCall {
  const { http, code, message, field, retryAfterMs } = statusOf(error);
  const metadata = new Metadata();
  metadata.set('perdura-code', code);
  if (typeof field === 'string' && plain.test(field)) metadata.set('perdura-field', field);
  if (retryAfterMs !== null) metadata.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
  return { http, sent: { code: codes[http] ?? status.INTERNAL, details: short(message), metadata } };
}

/** Half a surrogate pair cannot be written into a header. */
function short(message: string): string {
  const cut = message.length > longestDetails ? `${message.slice(0, longestDetails)}…` : message;
  return cut.replace(/\p{Surrogate}/gu, '\u{fffd}');
}
