import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

import { CodedError } from '../../domain/errors.ts';
import { sha256File } from '../digest.ts';
import type { ObjectBody } from './object-store.ts';

/** The largest object of a single PutObject: 5 GiB (https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html). */
export const largestObjectBytes = 5 * 1024 ** 3;

/** What is known of a body before it is sent. */
export type BodyFacts = { readonly sizeBytes: number; readonly sha256Base64: string };

/**
 * Size and SHA-256 of a body; a file is read once for it, so that the server can refuse bytes that changed on the way.
 *
 * @throws CodedError INPUT_INVALID when the file is missing, no file, or larger than 5 GiB.
 */
export async function bodyFacts(key: string, body: ObjectBody): Promise<BodyFacts> {
  if (body instanceof Uint8Array)
    return { sizeBytes: body.byteLength, sha256Base64: createHash('sha256').update(body).digest('base64') };
  const found = await stat(body.file).catch((cause: unknown) => {
    throw new CodedError('INPUT_INVALID', `Cannot write '${key}': the file ${body.file} cannot be read.`, { cause });
  });
  if (!found.isFile()) throw new CodedError('INPUT_INVALID', `Cannot write '${key}': ${body.file} is not a file.`);
  if (found.size > largestObjectBytes)
    throw new CodedError(
      'INPUT_INVALID',
      `Cannot write '${key}': ${body.file} has ${found.size} bytes, the limit of one object is 5 GiB. Cut it into smaller files.`,
    );
  const digest = await sha256File(body.file);
  return { sizeBytes: found.size, sha256Base64: Buffer.from(digest, 'hex').toString('base64') };
}
