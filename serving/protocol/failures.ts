import { CodedError, type ErrorCode, errorTable, isCoded } from '../../domain/errors.ts';
import { withoutPaths } from '../without-paths.ts';

/** What a client is told of an error, whichever protocol it speaks. */
export type FailureStatus = {
  /** The HTTP status; gRPC maps it to its own codes. */
  readonly http: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  /** What of the request is at fault; null: nothing in particular. */
  readonly field: string | null;
  /** When to send again; null: not before something else changes. */
  readonly retryAfterMs: number | null;
};

/** HTTP statuses of the codes that a client can meet; every other code is our fault: 500. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  INPUT_INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  OVERLOADED: 429,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
  DISK_FULL: 503,
  PACKAGE_ALTERED: 503,
  PACKAGE_UNSIGNED: 503,
  ROUTE_UNTRUSTED: 503,
};

const busyPauseMs = 1_000;

/**
 * The one table of statuses. What has no code is a refusal of the HTTP server's (its own 4xx), or a fault of ours, whose text stays in here.
 * A client's fault is never a 5xx.
 */
export function statusOf(error: unknown): FailureStatus {
  if (!isCoded(error)) return uncoded(error);
  const { code, message, details } = error;
  const { field, retryAfterMs } = details;
  const http = httpOf(error);
  return {
    http,
    code,
    // What is the client's fault quotes the client; what is ours may name files of this machine.
    message: http >= 500 ? withoutPaths(message) : message,
    remedy: errorTable[code].remedy,
    field: typeof field === 'string' ? field : null,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : code === 'OVERLOADED' ? busyPauseMs : null,
  };
}

/** A refusal of a request for what the HTTP server alone knows of it: its size, its media type. */
export function refusedRequest(http: 408 | 413 | 415 | 431, message: string): CodedError {
  return new CodedError('INPUT_INVALID', message, { details: { http } });
}

function httpOf({ code, details }: CodedError): number {
  // A route that names what does not load is no fault of the request's.
  if (details['notInForce'] === true) return 503;
  const http = details['http'];
  return code === 'INPUT_INVALID' && typeof http === 'number' ? http : (statuses[code] ?? 500);
}

function uncoded(error: unknown): FailureStatus {
  const refused = error as { readonly statusCode?: unknown; readonly message?: unknown } | null;
  const status = refused?.statusCode;
  const clients = typeof status === 'number' && status >= 400 && status < 500;
  const code = clients ? 'INPUT_INVALID' : 'ACTIVITY_FAILED';
  const message = clients ? withStop(String(refused?.message)) : 'The model server failed; its log says how.';
  return {
    http: clients ? status : 500,
    code,
    message,
    remedy: errorTable[code].remedy,
    field: null,
    retryAfterMs: null,
  };
}

const withStop = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
