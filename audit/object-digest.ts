import { createHash } from 'node:crypto';
import type { ObjectStore } from '../stores/objects/object-store.ts';

/** What an object's bytes are, without where they lie. */
export type ObjectDigest = { readonly sizeBytes: number; readonly sha256: string };

/** Size and SHA-256 of one stored version. It is streamed: a data file of any size costs no memory. */
export async function objectDigest(store: ObjectStore, key: string, s3VersionId: string): Promise<ObjectDigest> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of store.stream(key, { s3VersionId })) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
