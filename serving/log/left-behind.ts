import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCoded } from '../../domain/errors.ts';
import { type ReplicaLock, lockReplica } from './replica-lock.ts';
import { type Segment, segmentOfFile } from './segment.ts';

/** Segments that ended processes left. It owns the locks of their folders. */
export type LeftBehind = {
  readonly segments: readonly Segment[];
  /**
   * Takes note that a segment is uploaded or set aside. With the last one of its folder the folder is free again: its replica may come
   * back at any time, and must not be refused for work that is done.
   */
  done(segment: Segment): void;
  /** Lets go of all folders that are still held. */
  release(): void;
};

type HeldFolder = { readonly lock: ReplicaLock; readonly open: Set<Segment> };

/**
 * Finds what is left in the folders of all replicas but `own`, whose lock the caller holds. A replica that was killed may never come back under
 * its name, so whoever starts next on the same disk takes over; folders of living replicas are theirs.
 */
export async function leftBehind(folder: string, own: string): Promise<LeftBehind> {
  const segments = [...(await segmentsIn(join(folder, own)))];
  const held = new Set<HeldFolder>();
  const entries = await readdir(folder, { withFileTypes: true });
  for (const replica of entries.filter((entry) => entry.isDirectory() && entry.name !== own)) {
    const found = await takeOver(join(folder, replica.name));
    if (found === null) continue;
    held.add(found);
    segments.push(...found.open);
  }
  const letGo = (one: HeldFolder): void => {
    held.delete(one);
    one.lock.release();
  };
  return {
    segments,
    done(segment) {
      for (const one of held) if (one.open.delete(segment) && one.open.size === 0) letGo(one);
    },
    release() {
      for (const one of held) letGo(one);
    },
  };
}

/** Null where nothing is left, or the replica lives. */
async function takeOver(folder: string): Promise<HeldFolder | null> {
  if ((await segmentsIn(folder)).length === 0) return null;
  const lock = await lockUnlessAlive(folder);
  if (lock === null) return null;
  // Its owner may have ended, and brought all of it to the bucket, just before the lock was ours.
  const open = new Set(await segmentsIn(folder));
  if (open.size > 0) return { lock, open };
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

async function segmentsIn(folder: string): Promise<readonly Segment[]> {
  const names = (await readdir(folder)).toSorted();
  return names.flatMap((name) => segmentOfFile(folder, name) ?? []);
}
