import { anyLimit } from './rate-shares.ts';

/** The answering process's end of the shares: what it was given, and what it was asked since it last said so. */
export type LocalShares = {
  /** For `createAdmission`. */
  share(limit: string): number;
  /** For `createAdmission`. */
  asked(limit: string): void;
  /** Takes the control process's newest shares. */
  given(shares: Readonly<Record<string, number>>): void;
  /** What was asked since the last call; null: nothing, so that there is nothing to tell. */
  takeAsked(): Readonly<Record<string, number>> | null;
};

/** Until the first message each of `processes` has an equal share. */
export function createLocalShares(processes: number): LocalShares {
  let shares: ReadonlyMap<string, number> = new Map();
  let rest = 1 / Math.max(1, processes);
  let counts = new Map<string, number>();
  return {
    share: (limit) => shares.get(limit) ?? rest,
    asked: (limit) => void counts.set(limit, (counts.get(limit) ?? 0) + 1),
    given(next) {
      shares = new Map(Object.entries(next));
      rest = next[anyLimit] ?? rest;
    },
    takeAsked() {
      if (counts.size === 0) return null;
      const taken = Object.fromEntries(counts);
      counts = new Map();
      return taken;
    },
  };
}
