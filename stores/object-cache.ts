import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CodedError, isCoded } from '../domain/errors.ts';
import type { ObjectPin } from '../domain/snapshot.ts';
import { sha256File } from './digest.ts';
import { writeWholeFile } from './local-files.ts';
import type { ObjectStore } from './objects/object-store.ts';

/** Pinned objects as local files, each downloaded once. */
export type ObjectCache = {
  /**
   * The path of a whole local copy.
   *
   * @throws CodedError EVIDENCE_ALTERED when the bucket no longer holds the pinned bytes; DISK_FULL.
   */
  localFile(pin: ObjectPin): Promise<string>;
};

/** A file whose bytes were checked, told by what a change of it would change. */
type Checked = Map<string, string>;

/**
 * Opens the cache in `objects/` of a cache folder; files are named by their SHA-256, so that every process of the machine may share it and any file of it
 * may be deleted at any time. A cached file is hashed again when this cache first sees it and whenever it changed on the disk.
 */
export function createObjectCache(store: ObjectStore, cacheFolder: string): ObjectCache {
  const checked: Checked = new Map();
  const running = new Map<string, Promise<string>>();
  return {
    localFile(pin) {
      const earlier = running.get(pin.sha256);
      if (earlier !== undefined) return earlier;
      const path = join(cacheFolder, 'objects', pin.sha256);
      const work = provide(store, pin, { path, checked }).finally(() => running.delete(pin.sha256));
      running.set(pin.sha256, work);
      return work;
    },
  };
}

async function provide(
  store: ObjectStore,
  pin: ObjectPin,
  { path, checked }: { readonly path: string; readonly checked: Checked },
): Promise<string> {
  const before = await fingerprint(path);
  if (before !== null) {
    if (checked.get(pin.sha256) !== before && (await sha256File(path)) === pin.sha256) checked.set(pin.sha256, before);
    if (checked.get(pin.sha256) === before) return path;
  }
  await download(store, pin, path);
  const after = await fingerprint(path);
  if (after !== null) checked.set(pin.sha256, after);
  return path;
}

async function download(store: ObjectStore, pin: ObjectPin, path: string): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  async function* chunks() {
    for await (const chunk of store.stream(pin.key, { s3VersionId: pin.s3VersionId })) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  }
  try {
    await writeWholeFile(path, chunks(), () => checkBytes(pin, sizeBytes, hash.digest('hex')));
  } catch (error) {
    if (!isCoded(error, 'NOT_FOUND')) throw error;
    throw altered(pin, 'is gone from the bucket', error);
  }
}

function checkBytes(pin: ObjectPin, sizeBytes: number, sha256: string): void {
  if (sizeBytes === pin.sizeBytes && sha256 === pin.sha256) return;
  throw altered(
    pin,
    `has ${sizeBytes} bytes with SHA-256 ${sha256}, pinned were ${pin.sizeBytes} bytes with ${pin.sha256}`,
    null,
  );
}

function altered(pin: ObjectPin, what: string, cause: unknown): CodedError {
  return new CodedError(
    'EVIDENCE_ALTERED',
    `Object '${pin.key}' version ${pin.s3VersionId} ${what}. Compare it with its other versions in the bucket.`,
    { details: { key: pin.key, s3VersionId: pin.s3VersionId }, cause },
  );
}

async function fingerprint(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : `${found.size}:${found.mtimeMs}:${found.ino}`;
}
