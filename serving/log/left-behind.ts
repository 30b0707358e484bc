import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCoded } from '../../domain/errors.ts';
import { type ReplicaLock, lockReplica } from './replica-lock.ts';
import { lookAtReplica, type ReplicaFolder } from './replica-folder.ts';

/** The folder of a replica that ended and left something. It owns the folder's lock: release it. */
export type LeftFolder = { readonly folder: string; readonly lock: ReplicaLock };

/**
 * Finds what is left in the folders of all replicas but `own`. A replica that was killed may never come back under its name, so whoever starts next on
 * the same disk takes over; folders of living replicas are theirs.
 */
export async function leftBehind(folder: string, own: string): Promise<readonly LeftFolder[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: LeftFolder[] = [];
  for (const replica of entries.filter((entry) => entry.isDirectory() && entry.name !== own)) {
    const left = await takeOver(join(folder, replica.name));
    if (left !== null) found.push(left);
  }
  return found;
}

/** Whether nothing is left in the folder of a replica. */
export function isEmpty({ segments, processes, keys }: ReplicaFolder): boolean {
  return segments.length === 0 && processes.length === 0 && keys.length === 0;
}

/** Null where nothing is left, or the replica lives. */
async function takeOver(folder: string): Promise<LeftFolder | null> {
  if (isEmpty(await lookAtReplica(folder))) return null;
  const lock = await lockUnlessAlive(folder);
  if (lock === null) return null;
  // Its owner may have ended, and brought all of it to the bucket, just before the lock was ours.
  if (!isEmpty(await lookAtReplica(folder))) return { folder, lock };
  lock.release();
  return null;
}

async function lockUnlessAlive(folder: string): Promise<ReplicaLock | null> {
  try {
    return await lockReplica(folder);
  } catch (error) {
    if (isCoded(error, 'CONFLICT')) return null;
    throw error;
  }
}
