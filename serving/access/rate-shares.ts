/**
 * Gives each process of a model server its share of each rate limit, by who is asked how much. One connection stays on one process, so that
 * equal shares would give a single client a part of its limit only.
 */
export type RateShares = {
  /** A process that answers from now on. */
  joined(process: number): void;
  /** What a process was asked since its last message, by the limit's name. */
  asked(process: number, asked: Readonly<Record<string, number>>): void;
  /** A process that ended. */
  ended(process: number): void;
  /** The shares of a process, 0 to 1 by the limit's name; `*` is the share of every limit that is not named. */
  sharesOf(process: number): Readonly<Record<string, number>>;
};

/** The name under which a message has the share of all limits that it does not name. */
export const anyLimit = '*';

export type RateSharesOptions = {
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
};

/** What a process was asked of one limit: a mean that halves every `halfLifeMs`. */
type Demand = { mean: number; at: number };

const halfLifeMs = 200;
/** A process that was not asked for so long has a part in no division. */
const idleAfterMs = 2_000;
/** What is divided equally among those that are asked, so that a small demand by chance is not starved by a large one. */
const equalPart = 0.1;

/**
 * Processes that are asked divide a limit by their demand, their shares add up to 1; one that is not asked may begin with an equal share, so
 * that its first client is not refused for the time until the next division. When demand moves from one process to another, a server
 * may so let through one more bucket of an equal share, and for about a second refuse what is near to the limit: once, not steadily.
 */
export function createRateShares(options: RateSharesOptions): RateShares {
  const processes = new Set<number>();
  const limits = new Map<string, Map<number, Demand>>();

  const shareOf = (process: number, demands: ReadonlyMap<number, Demand>): number => {
    const now = options.now();
    const own = demandAt(now, demands.get(process));
    if (own === 0) return 1 / Math.max(1, processes.size);
    const all = [...demands.values()].map((demand) => demandAt(now, demand)).filter((demand) => demand > 0);
    const total = all.reduce((sum, demand) => sum + demand, 0);
    return equalPart / all.length + ((1 - equalPart) * own) / total;
  };

  return {
    joined: (process) => void processes.add(process),
    asked(process, asked) {
      processes.add(process);
      for (const [limit, count] of Object.entries(asked)) {
        const demands = limits.get(limit) ?? new Map<number, Demand>();
        limits.set(limit, demands);
        const at = options.now();
        demands.set(process, { mean: demandAt(at, demands.get(process)) + count, at });
      }
    },
    ended(process) {
      processes.delete(process);
      for (const demands of limits.values()) demands.delete(process);
    },
    sharesOf(process) {
      const shares: Record<string, number> = { [anyLimit]: 1 / Math.max(1, processes.size) };
      for (const [limit, demands] of limits) {
        for (const [id, demand] of demands) if (demandAt(options.now(), demand) === 0) demands.delete(id);
        if (demands.size === 0) limits.delete(limit);
        else shares[limit] = shareOf(process, demands);
      }
      return shares;
    },
  };
}

/** 0 for a process that is idle. */
function demandAt(now: number, demand: Demand | undefined): number {
  if (demand === undefined || now - demand.at > idleAfterMs) return 0;
  return demand.mean * 0.5 ** ((now - demand.at) / halfLifeMs);
}
