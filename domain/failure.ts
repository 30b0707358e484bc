import { type CodedError, type ErrorCode, type ErrorDetails, errorTable, isCoded } from './errors.ts';

/** An error as plain JSON, as it is recorded and printed. */
export type CodedFailure = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly details: ErrorDetails;
};

/** The plain form of any thrown value; what has no code gets `fallback`. */
export function toFailure(error: unknown, fallback: ErrorCode = 'ACTIVITY_FAILED'): CodedFailure {
  if (isCoded(error))
    return {
      code: error.code,
      message: error.message,
      remedy: errorTable[error.code].remedy,
      details: (error as CodedError).details ?? {},
    };
  const message = error instanceof Error ? error.message : String(error);
  return { code: fallback, message, remedy: errorTable[fallback].remedy, details: {} };
}
