import { isCoded } from '../domain/errors.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { mapParallel } from '../stores/parallel.ts';
import { type CapsuleEntry, isWriteOnce } from './capsule.ts';
import { type ObjectDigest, objectDigest } from './object-digest.ts';
import { type ReplayCheck, failed, ok } from './report.ts';

/** What the check of all objects found; `altered` holds the names of entries whose pinned bytes are not the sealed ones. */
export type ObjectChecks = { readonly checks: readonly ReplayCheck[]; readonly altered: ReadonlySet<string> };

const parallelReads = 4;

/**
 * Reads every object of a capsule: the pinned version must hold the sealed bytes, and where the key is written once the newest version
 * must hold them too, because readers that do not pin see that one. Every altered or missing object is a check of its own.
 */
export async function checkObjects(store: ObjectStore, entries: readonly CapsuleEntry[]): Promise<ObjectChecks> {
  const altered = new Set<string>();
  const found = await mapParallel(entries, parallelReads, async (entry): Promise<readonly ReplayCheck[]> => {
    const pinned = await pinnedDifference(store, entry);
    if (pinned !== null) altered.add(entry.name);
    const difference = pinned ?? (isWriteOnce(entry.kind) ? await newestDifference(store, entry) : null);
    return difference === null ? [] : [failed('object', `${entry.key} ${difference}`)];
  });
  const failures = found.flat();
  if (failures.length > 0) return { checks: failures, altered };
  const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  const detail = `${entries.length} objects, ${(bytes / 1e6).toFixed(1)} MB, each with its sealed SHA-256`;
  return { checks: [ok('objects', detail)], altered };
}

async function pinnedDifference(store: ObjectStore, entry: CapsuleEntry): Promise<string | null> {
  const found = await digestIfThere(store, entry.key, entry.s3VersionId);
  if (found === null) return `is missing: its sealed version ${entry.s3VersionId} is gone`;
  if (sameBytes(found, entry)) return null;
  return `was altered: version ${entry.s3VersionId} has ${describe(found)}, sealed were ${describe(entry)}`;
}

async function newestDifference(store: ObjectStore, entry: CapsuleEntry): Promise<string | null> {
  const newest = await newestVersionId(store, entry.key);
  if (newest === null) return `was deleted: only its older version ${entry.s3VersionId} holds the sealed bytes`;
  if (newest === entry.s3VersionId) return null;
  const found = await digestIfThere(store, entry.key, newest);
  if (found === null || sameBytes(found, entry)) return null;
  return `was overwritten: newest version ${newest} has ${describe(found)}, sealed were ${describe(entry)}`;
}

async function newestVersionId(store: ObjectStore, key: string): Promise<string | null> {
  try {
    return (await store.head(key)).s3VersionId;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

async function digestIfThere(store: ObjectStore, key: string, s3VersionId: string): Promise<ObjectDigest | null> {
  try {
    return await objectDigest(store, key, s3VersionId);
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

function sameBytes(a: ObjectDigest, b: ObjectDigest): boolean {
  return a.sizeBytes === b.sizeBytes && a.sha256 === b.sha256;
}

function describe({ sizeBytes, sha256 }: ObjectDigest): string {
  return `${sizeBytes} bytes with SHA-256 ${sha256}`;
}
