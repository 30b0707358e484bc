/** One row of the error table: what a code means, whether Temporal may retry it, and what a person does next. */
export type ErrorEntry = { readonly retryable: boolean; readonly meaning: string; readonly remedy: string };

/**
 * The one error table. `docs/reference/errors.md` lists the same codes; a test holds the two equal both ways.
 * A retryable code is a passing condition (an outage, a race); every other code ends the step at once.
 */
export const errorTable = {
  ACTIVITY_FAILED: {
    retryable: true,
    meaning: 'A step failed for a reason that has no code of its own.',
    remedy: 'Read the cause; run again with --verbose for the stack.',
  },
  BUCKET_UNSUITABLE: {
    retryable: false,
    meaning: 'The S3 bucket lacks versioning, conditional writes or object lock.',
    remedy: "Switch the named capability on, or use the embedded server; 'perdura doctor' shows all three.",
  },
  CHECKS_INVALID: {
    retryable: false,
    meaning: 'A row function of checks.ts is missing, throws, or says neither true nor false.',
    remedy: "Correct the pipeline's checks.ts.",
  },
  CONFIG_INVALID: {
    retryable: false,
    meaning: 'The configuration does not hold up.',
    remedy: 'Correct the settings that the message lists.',
  },
  CONFLICT: {
    retryable: false,
    meaning: 'Another writer changed the same object first.',
    remedy: 'Read it again and decide anew.',
  },
  DATA_UNREADABLE: {
    retryable: false,
    meaning: 'A data file is empty, damaged or not of the named format.',
    remedy: 'Write the file again and add it anew.',
  },
  DEVICE_MEMORY_EXHAUSTED: {
    retryable: false,
    meaning: 'A training, or a model to serve, needs more memory than the device has.',
    remedy: 'Ask for a larger device, a smaller batch, or allow the CPU.',
  },
  DISK_FULL: {
    retryable: false,
    meaning: 'There is not enough room on the disk.',
    remedy: 'Free the space that the message names, or set PERDURA_HOME to a larger disk.',
  },
  ENDPOINT_BUSY: {
    retryable: false,
    meaning: 'Another release holds the endpoint.',
    remedy: 'Wait until that release ends, or end it.',
  },
  ENVIRONMENT_UNOBTAINABLE: {
    retryable: false,
    meaning: 'The Python environment of a trainer could not be built.',
    remedy: 'Do one of the things that the message lists.',
  },
  EVIDENCE_ALTERED: {
    retryable: false,
    meaning: 'Recorded evidence is not what was sealed.',
    remedy: 'Keep the bucket as it is and compare the named object with its older versions.',
  },
  EXPECTATIONS_VIOLATED: {
    retryable: false,
    meaning: 'The data breaks expectations of severity block.',
    remedy: 'Read the violations, mend the source, add the data again; the bad rows are in quarantine.',
  },
  FEATURES_INVALID: {
    retryable: false,
    meaning:
      'The feature function is missing, throws, or returns something else than numbers and strings; or the aggregates do not hold up.',
    remedy: "Correct the pipeline's features.ts.",
  },
  FORBIDDEN: {
    retryable: false,
    meaning: 'The caller is known, and may not do this.',
    remedy: "Ask the endpoint's owner for the scope that the message names.",
  },
  INPUT_INVALID: {
    retryable: false,
    meaning: 'A parameter, argument or request does not hold up.',
    remedy: 'Correct what the message names.',
  },
  MODEL_INVALID: {
    retryable: false,
    meaning: 'A model file does not load or does not match its signature.',
    remedy: 'Look at the training run that wrote it.',
  },
  NOT_FOUND: {
    retryable: false,
    meaning: 'A named thing does not exist.',
    remedy: 'List what there is with the command that the message names.',
  },
  OVERLOADED: { retryable: true, meaning: 'A queue is full.', remedy: 'Send again later, or add capacity.' },
  PACKAGE_ALTERED: {
    retryable: false,
    meaning: 'A model package does not have the digest it was registered with.',
    remedy: 'Roll back to another version and restore the package.',
  },
  PACKAGE_UNSIGNED: {
    retryable: false,
    meaning: 'A model package has no signature by a key that is trusted here.',
    remedy: "Train and register it again, or add the signer's public key to PERDURA_TRUSTED_KEYS.",
  },
  PIPELINE_FAILED: {
    retryable: false,
    meaning: "The pipeline's own code threw.",
    remedy: "Correct the pipeline; the message is the author's.",
  },
  PIPELINE_NOT_FOUND: {
    retryable: false,
    meaning: 'The project has no pipeline of that name.',
    remedy: "List them with 'perdura doctor'.",
  },
  PORT_IN_USE: {
    retryable: false,
    meaning: 'A configured port is taken by another process.',
    remedy: 'Choose another port or leave the setting out to take a free one.',
  },
  PROJECT_INVALID: {
    retryable: false,
    meaning: 'The project does not build or lacks a file.',
    remedy: 'Correct the file that the message names.',
  },
  RATE_LIMITED: {
    retryable: true,
    meaning: 'A caller or an endpoint has used up its requests of this second.',
    remedy: 'Send again after the time that the answer names, or raise the limit in the policy.',
  },
  ROUTE_UNTRUSTED: {
    retryable: false,
    meaning:
      'A route or a policy has no signature by a key that is trusted here, was altered, or is older than one that was in force.',
    remedy:
      "Look at it with 'perdura routes' or 'perdura policy show'; sign it anew if it is right, or add the signer's public key to PERDURA_TRUSTED_KEYS.",
  },
  SERVICE_UNAVAILABLE: {
    retryable: true,
    meaning: 'Temporal, S3 or the online store does not answer.',
    remedy: "Start it, or run 'perdura doctor'.",
  },
  SERVICE_UNOBTAINABLE: {
    retryable: false,
    meaning: 'A server program could neither be found, downloaded nor built.',
    remedy: 'Do one of the things that the message lists.',
  },
  TRAINING_FAILED: {
    retryable: false,
    meaning: 'The trainer ended without a model.',
    remedy: "Read the trainer's last lines.",
  },
  TRAINING_INTERRUPTED: {
    retryable: true,
    meaning: 'A trainer asked to be run again, or its machine went away.',
    remedy: 'It is tried again from its last checkpoint.',
  },
  UNAUTHENTICATED: {
    retryable: false,
    meaning: 'The endpoint asks who calls, and the request does not say it, or says it wrongly.',
    remedy: 'Send an API key (x-api-key) or a token (authorization: Bearer) of the endpoint.',
  },
} as const satisfies Record<string, ErrorEntry>;

/** A code of the error table. */
export type ErrorCode = keyof typeof errorTable;

/** What an error carries beside its message; all of it plain JSON. */
export type ErrorDetails = { readonly [key: string]: unknown };

/**
 * The one error class. Its message says what, which and what next. Across a process or workflow border match on `code`
 * (Temporal's `type`), never on `instanceof`.
 */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether a value is an error with a code of the table, also when it crossed a realm border. */
export function isCoded(error: unknown, code?: ErrorCode): error is CodedError {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  const own = error.code;
  return typeof own === 'string' && Object.hasOwn(errorTable, own) && (code === undefined || own === code);
}
