import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCoded } from '../../domain/errors.ts';
import { type ReplicaLock, lockReplica } from './replica-lock.ts';
import { type Segment, segmentOfFile } from './segment.ts';

/** Segments that ended processes left, with the locks of their folders: held until those segments are dealt with. */
export type LeftBehind = { readonly segments: readonly Segment[]; readonly locks: readonly ReplicaLock[] };

/**
 * Finds what is left in the folders of all replicas but `own`, whose lock the caller holds. A replica that was killed may never come back under
 * its name, so whoever starts next on the same disk takes over; folders of living replicas are theirs.
 */
export async function leftBehind(folder: string, own: string): Promise<LeftBehind> {
  const segments = [...(await segmentsIn(join(folder, own)))];
  const locks: ReplicaLock[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const replica of entries.filter((entry) => entry.isDirectory() && entry.name !== own)) {
    const other = join(folder, replica.name);
    if ((await segmentsIn(other)).length === 0) continue;
    const lock = await lockUnlessAlive(other);
    if (lock === null) continue;
    locks.push(lock);
    segments.push(...(await segmentsIn(other)));
  }
  return { segments, locks };
}

async function lockUnlessAlive(folder: string): Promise<ReplicaLock | null> {
  try {
    return await lockReplica(folder);
  } catch (error) {
    if (isCoded(error, 'CONFLICT')) return null;
    throw error;
  }
}

async function segmentsIn(folder: string): Promise<readonly Segment[]> {
  const names = (await readdir(folder)).toSorted();
  return names.flatMap((name) => segmentOfFile(folder, name) ?? []);
}
