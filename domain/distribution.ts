import type { CategoryProfile, NumberProfile } from './drift-report.ts';
import type { DistributionExpectation, DistributionReference } from './expectation.ts';
import type { SpecialFunctions } from './special-functions.ts';
import { benjaminiHochberg } from './statistics/benjamini-hochberg.ts';
import { chiSquareTest } from './statistics/chi-square.ts';
import type { Distance } from './statistics/distance.ts';
import { jensenShannonDistance } from './statistics/jensen-shannon.ts';
import { kolmogorovSmirnovOfCounts } from './statistics/kolmogorov-smirnov.ts';
import { lInfinityDistance } from './statistics/l-infinity.ts';
import { mergeRareBins } from './statistics/merge-rare-bins.ts';
import { type BinnedSamples, populationStabilityIndex } from './statistics/population-stability-index.ts';
import { closedBoundaries, wassersteinOfCounts } from './statistics/wasserstein.ts';
import type { DistributionFinding } from './validation-report.ts';

/** One expectation with the counts of both sides over the reference's edges; null where a side has none. */
export type DistributionComparison = {
  readonly expectation: DistributionExpectation;
  readonly reference: NumberProfile | CategoryProfile | null;
  readonly current: NumberProfile | CategoryProfile | null;
  /** Of the reference's values, in their unit: what the Wasserstein distance is normed by, and beyond what its open outer bins do not reach. */
  readonly referenceSpread: ReferenceSpread | null;
};
export type ReferenceSpread = {
  readonly standardDeviation: number;
  readonly edgesMin: number;
  readonly edgesMax: number;
};

/** Rows of both sides: with none on one side there is nothing to compare. */
export type DistributionOptions = {
  readonly falseDiscoveryRate: number;
  readonly referenceRows: number;
  readonly currentRows: number;
};

/**
 * Holds columns against their reference, one finding an expectation, in the order given. A column has drifted when the statistic
 * exceeds what it is on average without drift by more than `atMost` (large enough to matter), and the chi-square test on the same bins
 * says that this is no chance, with the false discovery rate held over all columns (each column and reference is tested once, however
 * many statistics look at it). Either alone is wrong: on many rows every trifle is significant, on few rows chance is large.
 *
 * Missing values and unseen categories are bins of their own. For `ks` missing values stand before all others; `wasserstein` is about
 * values only. Both need an order, so for categories they have no value. `psi`, `jensenShannon` and `chiSquare` pool rare bins (see
 * `mergeRareBins`). `chiSquare` is the effect, chi-square (1/N + 1/M), on PSI's scale. `wasserstein` is in standard deviations of the
 * reference.
 *
 * @returns `value` null where there is nothing to compare: no reference, no rows, other bins, or a statistic that the column has not.
 */
export function compareDistributions(
  special: SpecialFunctions,
  comparisons: readonly DistributionComparison[],
  options: DistributionOptions,
): readonly DistributionFinding[] {
  const anyRows = options.referenceRows > 0 && options.currentRows > 0;
  const measured = comparisons.map((comparison) => (anyRows ? measure(special, comparison) : null));
  const pValues = new Map<string, number>();
  for (const [place, { expectation }] of comparisons.entries()) {
    const found = measured[place];
    if (found) pValues.set(testOf(expectation), found.pValue);
  }
  const adjusted = benjaminiHochberg([...pValues.values()]);
  const places = new Map([...pValues.keys()].map((test, place) => [test, place]));
  return comparisons.map(({ expectation }, place): DistributionFinding => {
    const { column, statistic, atMost } = expectation;
    const named = { column, statistic, atMost, against: referenceName(expectation.against) };
    const found = measured[place];
    if (!found) return { ...named, value: null, expected: 0, adjustedPValue: 1, drifted: false };
    const { value, expected } = found;
    const adjustedPValue = adjusted[places.get(testOf(expectation)) ?? -1] ?? 1;
    const drifted = value - expected > atMost && adjustedPValue <= options.falseDiscoveryRate;
    return { ...named, value, expected, adjustedPValue, drifted };
  });
}

/** What a distribution is held against, for a person: `previous`, `flights@v1`, `requests to late of the last 6 hours`. */
export function referenceName(against: DistributionReference): string {
  if (against === 'previous') return against;
  return 'snapshot' in against ? against.snapshot : `requests to ${against.endpoint} of the last ${against.since}`;
}

function testOf({ column, against }: DistributionExpectation): string {
  return JSON.stringify([column, referenceName(against)]);
}

type Measured = Distance & { readonly pValue: number };

function measure(special: SpecialFunctions, comparison: DistributionComparison): Measured | null {
  const samples = samplesOf(comparison);
  if (samples === null) return null;
  const pooled = mergeRareBins(samples);
  const test = chiSquareTest(special, pooled);
  if (test === null) return null;
  // Where all bins are rare there is nothing to test, but still something to show.
  const distance = distanceOf(special, comparison, { samples, pooled: pooled.reference.length > 1 ? pooled : samples });
  return distance === null ? null : { value: distance.value, expected: distance.expected, pValue: test.pValue };
}

function distanceOf(
  special: SpecialFunctions,
  comparison: DistributionComparison,
  { samples, pooled }: { readonly samples: BinnedSamples; readonly pooled: BinnedSamples },
): Distance | null {
  const { statistic } = comparison.expectation;
  switch (statistic) {
    case 'psi':
      return populationStabilityIndex(special, pooled);
    case 'jensenShannon':
      return jensenShannonDistance(special, pooled);
    case 'chiSquare': {
      const test = chiSquareTest(special, pooled);
      return test === null ? null : { value: test.effect, expected: test.expected };
    }
    case 'lInfinity':
      return lInfinityDistance(special, samples);
    case 'ks':
      return comparison.reference?.kind === 'number' ? kolmogorovSmirnovOfCounts(special, samples) : null;
    case 'wasserstein':
      return normedWassersteinOf(comparison);
    default:
      return statistic satisfies never;
  }
}

function normedWassersteinOf({ reference, current, referenceSpread }: DistributionComparison): Distance | null {
  if (reference?.kind !== 'number' || current?.kind !== 'number' || referenceSpread === null) return null;
  const { standardDeviation, edgesMin, edgesMax } = referenceSpread;
  if (!(standardDeviation > 0)) return null;
  const { counts } = reference;
  const boundaries = closedBoundaries({ edges: innerEdges(reference), counts, min: edgesMin, max: edgesMax });
  const distance = wassersteinOfCounts({ reference: counts, current: current.counts, boundaries });
  if (distance === null) return null;
  return { value: distance.value / standardDeviation, expected: distance.expected / standardDeviation };
}

/** Edges that divide bins: where a profile keeps its smallest and largest value as edges, these bound nothing. */
function innerEdges({ edges, counts }: NumberProfile): readonly number[] {
  return counts.length < edges.length ? edges.slice(1, -1) : edges;
}

/** Counts over other bins are no comparison. Missing values come first: a bin below all others where there is an order. */
function samplesOf({ reference, current }: DistributionComparison): BinnedSamples | null {
  if (reference?.kind === 'number' && current?.kind === 'number' && isSame(reference.edges, current.edges)) {
    if (reference.counts.length !== current.counts.length) return null;
    return { reference: [reference.missing, ...reference.counts], current: [current.missing, ...current.counts] };
  }
  if (reference?.kind === 'category' && current?.kind === 'category' && isSame(reference.values, current.values)) {
    const bins = (profile: CategoryProfile) => [profile.missing, ...profile.counts, profile.unseen];
    return { reference: bins(reference), current: bins(current) };
  }
  return null;
}

function isSame(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  return a.length === b.length && a.every((value, place) => value === b[place]);
}
