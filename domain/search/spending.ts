import type { SearchBudget } from '../search.ts';

/** What is left of a budget for one more training; `why` is set where there is nothing left. */
export type Allowance = { readonly atMostMs: number | null; readonly why: string | null };

/** What was used so far: since when, what ended trainings cost, what those under way may cost at most. */
export type Spending = {
  readonly elapsedMs: number;
  readonly cost: number;
  readonly reserved: number;
  /** Costs of ended trainings, to tell what the next one will need. */
  readonly costs: readonly number[];
};

/** Between the end of a training's time and the end of its last process: the worker hears of it, then a program has ten seconds. */
const windDownMs = 15_000;
/** No training lasts so long, and no timer may. */
const longestMs = 365 * 86_400_000;

/**
 * How long the next training may take at most so that the budget is never passed: until the time is used up, or until its share of the
 * money would be at the dearest price, with the seconds that ending it takes. A share that is less than what a training has cost on average
 * begins no more.
 */
export function allowanceOf(
  budget: { readonly timeMs: number | null; readonly cost: SearchBudget['cost'] },
  spending: Spending,
  bounds: { readonly dearestHour: number | null; readonly freeSlots: number },
): Allowance {
  const { timeMs, cost } = budget;
  const left = timeMs === null ? null : timeMs - spending.elapsedMs;
  if (left !== null && left <= 0) return { atMostMs: null, why: 'The time is used up.' };
  if (cost === undefined || bounds.dearestHour === null) return { atMostMs: timerOf(left), why: null };
  const share = (cost - spending.cost - spending.reserved) / bounds.freeSlots;
  const usual = spending.costs.reduce((sum, each) => sum + each, 0) / Math.max(1, spending.costs.length);
  const paidMs = (share / bounds.dearestHour) * 3_600_000 - windDownMs;
  if (share <= 0 || share < usual || paidMs < 1) return { atMostMs: null, why: 'The money is used up.' };
  return { atMostMs: timerOf(left === null ? paidMs : Math.min(left, paidMs)), why: null };
}

/** What a training can cost at most that is given so long. */
export function dearestCost(atMostMs: number, dearestHour: number): number {
  return ((atMostMs + windDownMs) / 3_600_000) * dearestHour;
}

/** Whole milliseconds: where an hour costs nothing, the money lasts for ever. */
function timerOf(ms: number | null): number | null {
  return ms === null ? null : Math.floor(Math.min(ms, longestMs));
}
