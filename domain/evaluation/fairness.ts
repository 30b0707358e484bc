import type { SliceMeasurement } from '../guardrail.ts';
import type { SpecialFunctions } from '../special-functions.ts';
import { shareRatioBounds } from '../statistics/miettinen-nurminen.ts';
import { shareDifferenceBounds } from '../statistics/newcombe.ts';
import type { Bounds } from '../statistics/normal-bounds.ts';
import { type Share, wilsonBounds } from '../statistics/wilson.ts';
import { answeredClasses } from './answers.ts';
import type { ScoredRows } from './metrics.ts';

/** What is compared between groups, with fairlearn's names. */
export type FairnessMetric =
  | 'demographicParityDifference'
  | 'demographicParityRatio'
  | 'equalizedOddsDifference'
  | 'equalizedOddsRatio'
  | 'equalOpportunityDifference';

/** One group's rows: how many, how many of them are true, were answered true, and both. */
export type GroupCounts = {
  readonly group: string;
  readonly n: number;
  readonly positives: number;
  readonly selected: number;
  readonly truePositives: number;
};

/** The largest gap or the smallest ratio between two groups; null: not to be had. `slices` are the groups' own rates. */
export type FairnessEstimate = {
  readonly value: number | null;
  readonly n: number;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: string;
  readonly slices: readonly SliceMeasurement[];
};

type Rate = 'selection rate' | 'true positive rate' | 'false positive rate';
type Comparison = { readonly rates: readonly [Rate, ...Rate[]]; readonly as: 'difference' | 'ratio' };

const comparisons: Readonly<Record<FairnessMetric, Comparison>> = {
  demographicParityDifference: { rates: ['selection rate'], as: 'difference' },
  demographicParityRatio: { rates: ['selection rate'], as: 'ratio' },
  equalizedOddsDifference: { rates: ['true positive rate', 'false positive rate'], as: 'difference' },
  equalizedOddsRatio: { rates: ['true positive rate', 'false positive rate'], as: 'ratio' },
  equalOpportunityDifference: { rates: ['true positive rate'], as: 'difference' },
};

/** Which way each is better: gaps lower, ratios higher. */
export const fairnessMetrics: Readonly<Record<FairnessMetric, { readonly better: 'higher' | 'lower' }>> = {
  demographicParityDifference: { better: 'lower' },
  demographicParityRatio: { better: 'higher' },
  equalizedOddsDifference: { better: 'lower' },
  equalizedOddsRatio: { better: 'higher' },
  equalOpportunityDifference: { better: 'lower' },
};

/** Whether a guardrail's metric compares groups. */
export function isFairnessMetric(name: string): name is FairnessMetric {
  return Object.hasOwn(fairnessMetrics, name);
}

/** Counts a binary model's answers by group, sorted by name; rows whose group is null belong to none. */
export function groupCounts(scored: ScoredRows, groups: readonly (string | null)[]): readonly GroupCounts[] {
  const answers = answeredClasses(scored);
  const counts = new Map<string, { n: number; positives: number; selected: number; truePositives: number }>();
  for (const [row, group] of groups.entries()) {
    if (group === null) continue;
    const own = counts.get(group) ?? { n: 0, positives: 0, selected: 0, truePositives: 0 };
    const label = scored.labels[row] === 1 ? 1 : 0;
    const answer = answers[row] ?? 0;
    own.n++;
    own.positives += label;
    own.selected += answer;
    own.truePositives += label * answer;
    counts.set(group, own);
  }
  return [...counts]
    .map(([group, own]) => ({ group, ...own }))
    .toSorted((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}

/**
 * A fairness metric over groups with its bounds, each at the one-sided error alpha; the values are those of fairlearn 0.15.
 *
 * The bounds are made of those of all pairs of groups: Newcombe's of a difference, Miettinen and Nurminen's of a ratio. Whether the worst
 * pair is within a limit needs no correction: that one pair would have to err (intersection-union, Berger, Technometrics 24, 1982). Whether
 * some pair is beyond it is asked of every ordered pair, so there each errs with alpha / pairs only (Bonferroni).
 *
 * With fewer than two groups, or where a group lacks the rows that a rate is a share of, nothing can be said: null, never zero. A group's
 * `n` is the number of rows that its rate rests on, of equalized odds the smaller of both.
 */
export function fairness(
  metric: FairnessMetric,
  groups: readonly GroupCounts[],
  { special, alpha }: { readonly special: SpecialFunctions; readonly alpha: number },
): FairnessEstimate {
  const { rates, as } = comparisons[metric];
  const method = as === 'difference' ? 'Newcombe, Bonferroni over pairs' : 'Miettinen-Nurminen, Bonferroni over pairs';
  const n = groups.reduce((sum, group) => sum + group.n, 0);
  const compared = rates.map((rate) => compare(rate, groups, as));
  const known = compared.filter(({ value }) => value !== null);
  const worst = known.toSorted((a, b) => (as === 'ratio' ? 1 : -1) * ((a.value ?? 0) - (b.value ?? 0)))[0];
  const complete = groups.length >= 2 && known.length === compared.length && worst !== undefined;
  const slices = groups.map((group) => sliceOf(group, worst?.rate ?? rates[0], { rates, special, alpha }));
  if (!complete) return { value: null, n, lower: null, upper: null, method, slices };
  const pairs = compared.flatMap(({ shares }) => orderedPairs(shares));
  const bounds = as === 'difference' ? gapBounds(special, pairs, alpha) : ratioBounds(special, pairs, alpha);
  return { value: worst.value, n, ...bounds, method: `${method}, ${worst.rate}`, slices };
}

type Pair = readonly [Share, Share];

function compare(rate: Rate, groups: readonly GroupCounts[], as: Comparison['as']) {
  const shares = groups.map((group) => shareOf(rate, group));
  const values = shares.map(({ count, n }) => count / n);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const value = as === 'difference' ? most - least : least / most;
  return { rate, shares, value: groups.length < 2 || !Number.isFinite(value) ? null : value };
}

function shareOf(rate: Rate, { n, positives, selected, truePositives }: GroupCounts): Share {
  switch (rate) {
    case 'selection rate':
      return { count: selected, n };
    case 'true positive rate':
      return { count: truePositives, n: positives };
    case 'false positive rate':
      return { count: selected - truePositives, n: n - positives };
    default:
      return rate satisfies never;
  }
}

function sliceOf(
  group: GroupCounts,
  rate: Rate,
  { rates, special, alpha }: { rates: readonly Rate[]; special: SpecialFunctions; alpha: number },
): SliceMeasurement {
  const share = shareOf(rate, group);
  const n = Math.min(...rates.map((one) => shareOf(one, group).n));
  if (share.n === 0) return { slice: group.group, value: null, n, lower: null, upper: null };
  return { slice: group.group, value: share.count / share.n, n, ...wilsonBounds(special, share, alpha) };
}

function orderedPairs(shares: readonly Share[]): readonly Pair[] {
  return shares.flatMap((a) => shares.flatMap((b): readonly Pair[] => (a === b ? [] : [[a, b]])));
}

function gapBounds(special: SpecialFunctions, pairs: readonly Pair[], alpha: number): Bounds {
  const lowest = pairs.map(([a, b]) => shareDifferenceBounds(special, a, b, alpha / pairs.length).lower);
  const highest = pairs.map(([a, b]) => shareDifferenceBounds(special, a, b, alpha).upper);
  return { lower: Math.max(0, ...lowest), upper: Math.min(1, Math.max(...highest)) };
}

/** A pair without any share on both sides bounds nothing: its ratio may be anything. */
function ratioBounds(special: SpecialFunctions, pairs: readonly Pair[], alpha: number): Bounds {
  const lowest = pairs.map(([a, b]) => shareRatioBounds(special, a, b, alpha)?.lower ?? 0);
  const highest = pairs.map(
    ([a, b]) => shareRatioBounds(special, a, b, alpha / pairs.length)?.upper ?? Number.POSITIVE_INFINITY,
  );
  return { lower: Math.min(1, ...lowest), upper: Math.min(1, ...highest) };
}
