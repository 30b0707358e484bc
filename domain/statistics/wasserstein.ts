import type { Distance } from './distance.ts';
import { momentsOf } from './moments.ts';
import type { BinnedSamples } from './population-stability-index.ts';

/** Counts of two samples between neighbouring boundaries, of which there is one more than bins; ascending. */
export type BoundedSamples = BinnedSamples & { readonly boundaries: readonly number[] };

/**
 * First Wasserstein distance of two samples, in the unit of the values: the area between their distribution functions. Equal to
 * scipy's stats.wasserstein_distance. O(n log n).
 *
 * @returns null when a sample is empty.
 */
export function wassersteinDistance(reference: ArrayLike<number>, current: ArrayLike<number>): number | null {
  if (reference.length === 0 || current.length === 0) return null;
  const before = Float64Array.from(reference).sort();
  const now = Float64Array.from(current).sort();
  const places = new Float64Array(before.length + now.length);
  places.set(before);
  places.set(now, before.length);
  places.sort();
  let area = 0;
  let i = 0;
  let j = 0;
  for (let place = 0; place < places.length - 1; place++) {
    const from = places[place] ?? 0;
    while (i < before.length && (before[i] ?? 0) <= from) i++;
    while (j < now.length && (now[j] ?? 0) <= from) j++;
    area += Math.abs(i / before.length - j / now.length) * ((places[place + 1] ?? 0) - from);
  }
  return area;
}

/**
 * The Wasserstein distance in standard deviations of the reference (of the population, as numpy's std), so that one limit serves
 * columns of any unit.
 *
 * @returns null when a sample is empty or the reference does not vary.
 */
export function normedWasserstein(reference: ArrayLike<number>, current: ArrayLike<number>): number | null {
  const distance = wassersteinDistance(reference, current);
  const { n, squares } = momentsOf(Array.from(reference));
  return distance === null || squares === 0 ? null : distance / Math.sqrt(squares / n);
}

/**
 * The same from counts: values are taken to lie evenly within their bin, so the distribution functions are straight between the
 * boundaries and the area between them is exact for these. Values beyond the outer boundaries count as if they lay within: a move
 * further out is seen as a move to there. In the unit of the boundaries; `closedBoundaries` ends open bins.
 *
 * Without drift the difference at a boundary is about normal with variance F(1 - F)(1/N + 1/M); `expected` sums the mean of its
 * absolute value, sqrt(2/π) of the standard deviation, by the trapezoidal rule, which lies at most a little above.
 *
 * @returns null when a sample is empty.
 */
export function wassersteinOfCounts({ reference, current, boundaries }: BoundedSamples): Distance | null {
  const n = reference.reduce((sum, count) => sum + count, 0);
  const m = current.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) return null;
  let value = 0;
  let expected = 0;
  let before = 0;
  let now = 0;
  for (const [bin, count] of reference.entries()) {
    const width = (boundaries[bin + 1] ?? 0) - (boundaries[bin] ?? 0);
    const left = { gap: now / m - before / n, spread: spreadAt(before, now, n + m) };
    before += count;
    now += current[bin] ?? 0;
    const right = { gap: now / m - before / n, spread: spreadAt(before, now, n + m) };
    value += width * areaUnder(left.gap, right.gap);
    expected += (width * (left.spread + right.spread)) / 2;
  }
  return { value, expected: expected * Math.sqrt((2 / Math.PI) * (1 / n + 1 / m)) };
}

/** A reference's counts over edges with open ends, and the smallest and largest of its values. */
export type OpenCounts = {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly min: number;
  readonly max: number;
};

/**
 * Ends the open outer bins where they hold the same mean as an exponential tail that goes on as the bin beside it: 2 w / ln((a + b) / b)
 * beyond the edge, with w the width and a the count of the bin beside it and b the count of the outer bin, but never beyond the smallest
 * or largest value. To spread a long tail's few values evenly up to the largest would take each for a move of half the range.
 */
export function closedBoundaries({ edges, counts, min, max }: OpenCounts): readonly number[] {
  const [first, last] = [edges[0] ?? min, edges.at(-1) ?? max];
  const [second, nextToLast] = [edges[1] ?? max, edges.at(-2) ?? min];
  const below = tailLength(second - first, [counts[1], counts[0]], first - min);
  const above = tailLength(last - nextToLast, [counts.at(-2), counts.at(-1)], max - last);
  return [first - below, ...edges, last + above];
}

/** An outer bin that the reference left empty is as wide as the one beside it. */
function tailLength(
  width: number,
  [beside, outer]: readonly [number | undefined, number | undefined],
  most: number,
): number {
  if (outer === undefined || outer === 0) return Math.max(width, 0);
  const ratio = (beside ?? 0) / outer;
  return Math.max(0, ratio > 0 ? Math.min((2 * width) / Math.log1p(ratio), most) : most);
}

function spreadAt(before: number, now: number, rows: number): number {
  const share = (before + now) / rows;
  return Math.sqrt(share * (1 - share));
}

/** Mean of |f| of a straight line from a to b: two triangles where it crosses zero. */
function areaUnder(a: number, b: number): number {
  return a * b >= 0 ? Math.abs(a + b) / 2 : (a * a + b * b) / (2 * (Math.abs(a) + Math.abs(b)));
}
