import { createHash } from 'node:crypto';
import { isCoded } from '../../domain/errors.ts';
import type { ObjectPin } from '../../domain/snapshot.ts';
import { sha256File, sha256Hex } from '../../stores/digest.ts';
import type { ObjectBody, ObjectStore } from '../../stores/objects/object-store.ts';

/**
 * Writes an object where nothing stands and pins it. What an earlier attempt wrote there stays and is the one that is pinned, whatever its
 * bytes: Parquet is not written the same twice.
 */
export async function keepFirstObject(
  store: ObjectStore,
  key: string,
  content: { readonly body: ObjectBody; readonly contentType: string },
): Promise<ObjectPin> {
  const { body, contentType } = content;
  try {
    const { s3VersionId, sizeBytes } = await store.write(key, body, { ifAbsent: true, contentType });
    return { key, s3VersionId, sizeBytes, sha256: 'file' in body ? await sha256File(body.file) : sha256Hex(body) };
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
    return pinStanding(store, key);
  }
}

async function pinStanding(store: ObjectStore, key: string): Promise<ObjectPin> {
  const { s3VersionId } = await store.head(key);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of store.stream(key, { s3VersionId })) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { key, s3VersionId, sizeBytes, sha256: hash.digest('hex') };
}
