import type { ServiceAddresses } from '../../domain/config.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';

/** What a request was about, for messages. */
export type S3Place = {
  readonly s3: Pick<ServiceAddresses['s3'], 'bucket' | 'endpoint'>;
  readonly key?: string;
  readonly s3VersionId?: string | undefined;
};

type S3Code =
  'BUCKET_UNSUITABLE' | 'CONFIG_INVALID' | 'CONFLICT' | 'INPUT_INVALID' | 'NOT_FOUND' | 'SERVICE_UNAVAILABLE';
type S3Failure = { readonly name: string; readonly message: string; readonly status: number | null };

const damagedInTransit = new Set(['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody']);
/** 'Unknown' is how the SDK names a refused HEAD, which has no body to tell more. */
const badVersionId = new Set(['InvalidArgument', 'NoSuchVersion', 'InvalidVersionId', 'Unknown']);

/** Waits for a request and turns what it throws into a CodedError that names bucket, key and endpoint. */
export async function askS3<Answer>(place: S3Place, request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    throw toS3Error(error, place);
  }
}

/**
 * The CodedError for what the AWS SDK threw after its own retries: NOT_FOUND, CONFLICT (409, 412), SERVICE_UNAVAILABLE (no answer,
 * 5xx, throttled), CONFIG_INVALID (refused keys, wrong region), BUCKET_UNSUITABLE (no such bucket or capability), INPUT_INVALID.
 * Faults of our own code stay as they are.
 */
export function toS3Error(error: unknown, place: S3Place): unknown {
  if (isCoded(error) || !(error instanceof Error)) return error;
  const failure: S3Failure = { name: error.name, message: error.message, status: httpStatus(error) };
  if (failure.status === null && error instanceof TypeError && !('code' in error)) return error;
  const code = codeOf(failure, place);
  return new CodedError(code, messageOf(code, failure, place), {
    cause: error,
    details: { bucket: place.s3.bucket, key: place.key ?? null, endpoint: place.s3.endpoint, s3Error: failure.name },
  });
}

/** A place in words: `flights/a.json in bucket 'perdura' at http://127.0.0.1:7070`. */
export function describePlace(place: S3Place): string {
  const version = place.s3VersionId === undefined ? '' : ` version ${place.s3VersionId}`;
  const object = place.key === undefined ? '' : `'${place.key}'${version} in `;
  return `${object}bucket '${place.s3.bucket}' at ${place.s3.endpoint ?? 'AWS S3'}`;
}

function codeOf({ name, message, status }: S3Failure, place: S3Place): S3Code {
  if (name === 'CredentialsProviderError') return 'CONFIG_INVALID';
  if (name === 'NoSuchBucket' || /object ?lock config/i.test(message)) return 'BUCKET_UNSUITABLE';
  if (damagedInTransit.has(name)) return 'SERVICE_UNAVAILABLE';
  if (name === 'ObjectParentIsFile') return 'INPUT_INVALID';
  if (status === 501) return 'BUCKET_UNSUITABLE';
  if (status === null || status === 408 || status === 429 || status >= 500) return 'SERVICE_UNAVAILABLE';
  // 405 is the answer to reading a delete marker by its version id.
  if (status === 404 || status === 405) return 'NOT_FOUND';
  if (status === 400 && place.s3VersionId !== undefined && badVersionId.has(name)) return 'NOT_FOUND';
  if (status === 409 || status === 412) return 'CONFLICT';
  if (status < 400 || status === 401 || status === 403) return 'CONFIG_INVALID';
  return 'INPUT_INVALID';
}

function messageOf(code: S3Code, failure: S3Failure, place: S3Place): string {
  const where = describePlace(place);
  const answer = `${failure.name}${failure.message === '' ? '' : `: ${failure.message}`}`;
  switch (code) {
    case 'NOT_FOUND':
      return `No object ${where}. It was never written, or it was deleted.`;
    case 'CONFLICT':
      return `Another writer changed ${where} first. Read it again and decide anew.`;
    case 'SERVICE_UNAVAILABLE':
      return `S3 did not answer for ${where} (${answer}). Start it, or run 'perdura doctor'.`;
    case 'CONFIG_INVALID':
      return `S3 refused ${where} (${answer}). Check the keys, their rights and the region.`;
    case 'BUCKET_UNSUITABLE':
      return `Cannot use ${where} (${answer}). Run 'perdura doctor'.`;
    case 'INPUT_INVALID':
      return `S3 did not take the request for ${where} (${answer}).`;
    default:
      return code satisfies never;
  }
}

function httpStatus(error: Error): number | null {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null) return null;
  const status = 'httpStatusCode' in error.$metadata ? error.$metadata.httpStatusCode : null;
  return typeof status === 'number' ? status : null;
}
