import { createHash, randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { CodedError, isCoded } from '../../domain/errors.ts';
import type { ObjectPin } from '../../domain/snapshot.ts';
import { writeWholeFile } from '../local-files.ts';
import type { ObjectStore } from '../objects/object-store.ts';

const mostTries = 3;
const firstWaitMs = 100;

/**
 * Pins one version of an object that nobody has hashed yet: its bytes are streamed once, into the cache and through SHA-256.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when S3 stays away or breaks off, after three tries; NOT_FOUND; DISK_FULL.
 */
export async function pinObject(
  folder: { readonly store: ObjectStore; readonly cacheFolder: string },
  version: Omit<ObjectPin, 'sha256'>,
): Promise<ObjectPin> {
  return tryingAgain(() => streamed(folder, version));
}

/** Repeats work while S3 is unavailable: a connection that breaks off is met again before the whole step is. */
export async function tryingAgain<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isCoded(error, 'SERVICE_UNAVAILABLE') || attempt >= mostTries) throw error;
      await wait(firstWaitMs * 2 ** (attempt - 1));
    }
  }
}

async function streamed(
  { store, cacheFolder }: { readonly store: ObjectStore; readonly cacheFolder: string },
  { key, s3VersionId, sizeBytes }: Omit<ObjectPin, 'sha256'>,
): Promise<ObjectPin> {
  const hash = createHash('sha256');
  let received = 0;
  async function* chunks() {
    for await (const chunk of store.stream(key, { s3VersionId })) {
      hash.update(chunk);
      received += chunk.byteLength;
      yield chunk;
    }
  }
  const arriving = join(cacheFolder, 'objects', `arriving-${randomUUID()}`);
  await writeWholeFile(arriving, chunks(), () => {
    if (received !== sizeBytes)
      throw new CodedError(
        'SERVICE_UNAVAILABLE',
        `S3 gave ${received} of the ${sizeBytes} bytes of '${key}' version ${s3VersionId}. Try again.`,
        { details: { key, s3VersionId } },
      );
  });
  const sha256 = hash.digest('hex');
  await rename(arriving, join(cacheFolder, 'objects', sha256));
  return { key, s3VersionId, sizeBytes, sha256 };
}
