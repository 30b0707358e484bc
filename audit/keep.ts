import { stat } from 'node:fs/promises';
import { isCoded } from '../domain/errors.ts';
import type { ObjectPin } from '../domain/snapshot.ts';
import { sha256File, sha256Hex } from '../stores/digest.ts';
import type { ObjectBody, ObjectStore, StoredVersion } from '../stores/objects/object-store.ts';
import { type ObjectDigest, objectDigest } from './object-digest.ts';

/** Until when a kept object is locked, and how long a lock must still last for an existing version to be taken as it is. */
export type Retention = { readonly until: Date; readonly reuseSince: Date };

const dayMs = 86_400_000;
const attempts = 3;

/**
 * Retention of objects that capsules keep. A lock lasts twice `retainDays`, and a version is reused for one `retainDays` after it was
 * written: so whatever capsule shares it, it stays locked for `retainDays` at least, without the lock ever being extended.
 */
export function retention(now: string, retainDays: number): Retention {
  const time = Date.parse(now);
  return { until: new Date(time + 2 * retainDays * dayMs), reuseSince: new Date(time - retainDays * dayMs) };
}

/**
 * Makes bytes stand at a key under object lock (COMPLIANCE) and pins them. Idempotent by content: the same bytes at the key are reused
 * while their lock lasts; other bytes stay as an older version.
 *
 * @throws CodedError CONFLICT when other writers keep changing the key.
 */
export async function keep(
  store: ObjectStore,
  object: {
    readonly key: string;
    readonly body: ObjectBody;
    readonly contentType: string;
    readonly retention: Retention;
  },
): Promise<ObjectPin> {
  const { key, body, contentType } = object;
  const wanted = await bodyDigest(body);
  for (let attempt = 1; ; attempt++) {
    const existing = await headIfThere(store, key);
    if (existing !== null && (await isReusable(store, existing, { ...object, wanted })))
      return { key, s3VersionId: existing.s3VersionId, ...wanted };
    const condition = existing === null ? { ifAbsent: true } : { ifMatch: existing.etag };
    try {
      const retainUntil = object.retention.until;
      const written = await store.write(key, body, { ...condition, retainUntil, contentType });
      return { key, s3VersionId: written.s3VersionId, ...wanted };
    } catch (error) {
      const lostRace = isCoded(error, 'CONFLICT') || isCoded(error, 'NOT_FOUND');
      if (!lostRace || attempt === attempts) throw error;
    }
  }
}

/** What stands at a key; null when there is nothing. */
export async function headIfThere(store: ObjectStore, key: string): Promise<StoredVersion | null> {
  try {
    return await store.head(key);
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

/** Size and SHA-256 of bytes that are to be written. */
export async function bodyDigest(body: ObjectBody): Promise<ObjectDigest> {
  if ('file' in body) return { sizeBytes: (await stat(body.file)).size, sha256: await sha256File(body.file) };
  return { sizeBytes: body.byteLength, sha256: sha256Hex(body) };
}

async function isReusable(
  store: ObjectStore,
  existing: StoredVersion,
  object: { readonly wanted: ObjectDigest; readonly retention: Retention },
): Promise<boolean> {
  if (existing.sizeBytes !== object.wanted.sizeBytes) return false;
  if (Date.parse(existing.modifiedAt) < object.retention.reuseSince.getTime()) return false;
  return (await objectDigest(store, existing.key, existing.s3VersionId)).sha256 === object.wanted.sha256;
}
