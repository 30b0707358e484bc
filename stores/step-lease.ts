import type { StepCacheParts } from '../domain/step-cache.ts';
import { updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import type { KeptTraining, StepCacheEntry } from './step-cache.ts';

/** The right to compute a step; its holder says that it lives until it lets go. */
export type StepLease = {
  /** Keeps the result for others and lets go. Of two results the first stays. */
  keep(kept: KeptTraining): Promise<void>;
  /** Lets go without a result, so that whoever waits begins at once. Doing it after `keep` does nothing. */
  release(): Promise<void>;
};

/**
 * Renews a lease that was taken, every `beatEveryMs`. A beat that does not get through is left to the next one: when all fail, another
 * training computes the same, which costs time and nothing else.
 */
export function holdLease(
  store: ObjectStore,
  {
    key,
    token,
    parts,
    beatEveryMs,
  }: {
    readonly key: string;
    readonly token: string;
    readonly parts: StepCacheParts;
    readonly beatEveryMs: number;
  },
): StepLease {
  let isHeld = true;
  let beating: Promise<unknown> = Promise.resolve();
  // A cache may be deleted at any time: then it is begun anew.
  const change = (to: (entry: StepCacheEntry) => StepCacheEntry) =>
    updateDocument<StepCacheEntry>(store, key, (current) => to(current ?? { parts, lease: null, kept: null }));
  const isOurs = ({ lease }: StepCacheEntry) => lease?.token === token;
  // A beat that does not get through is followed by the next; without any the lease is taken over, and both compute the same.
  const beat = () => {
    beating = change((entry) =>
      isOurs(entry) && entry.lease !== null && isHeld
        ? { ...entry, lease: { ...entry.lease, beats: entry.lease.beats + 1 } }
        : entry,
    ).catch(() => undefined);
  };
  const timer = setInterval(beat, beatEveryMs);
  timer.unref();
  const letGo = async (to: (entry: StepCacheEntry) => StepCacheEntry) => {
    if (!isHeld) return;
    isHeld = false;
    clearInterval(timer);
    await beating;
    await change(to);
  };
  return {
    keep: (kept) =>
      letGo((entry) =>
        entry.kept === null ? { ...entry, kept, lease: isOurs(entry) ? null : entry.lease } : withoutOurs(entry),
      ),
    release: () => letGo((entry) => withoutOurs(entry)),
  };

  function withoutOurs(entry: StepCacheEntry): StepCacheEntry {
    return isOurs(entry) ? { ...entry, lease: null } : entry;
  }
}
