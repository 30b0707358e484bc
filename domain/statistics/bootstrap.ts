import { drawBelow } from './philox.ts';
import { type RowSums, totalOf, weightedTotal } from './row-sums.ts';
import type { Resampled } from './bca.ts';

/** One or two models' sums over the same units, and the statistic of all of them; null: it cannot be computed of these sums. */
export type SummedStatistic = {
  readonly parts: readonly RowSums[];
  readonly value: (sums: readonly Float64Array[]) => number | null;
};

/** How many units are drawn before the caller may do something else. */
const drawsAtOnce = 2_000_000;

/**
 * Bootstraps a statistic of sums: each resample draws as many units as there are, with replacement, once for both models, so that what is
 * common to them falls out. Stream `k` of the seed gives resample `k`, so the result is the same however often the caller pauses: it yields
 * the number of resamples done so far. The jackknife leaves out one unit at a time by taking its terms off the sums.
 *
 * @returns null when the statistic cannot be computed of the sample, of a resample, or without a unit: too few rows carry it.
 */
export function* bootstrap(
  { parts, value }: SummedStatistic,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Generator<number, Resampled | null> {
  const units = (parts[0]?.offsets.length ?? 1) - 1;
  const totals = parts.map(totalOf);
  const observed = value(totals);
  if (observed === null || units < 2) return null;
  const jackknife = leaveOneOut({ parts, value }, totals, units);
  if (jackknife === null) return null;
  const distribution = new Float64Array(resamples);
  const [drawn, weights] = [new Uint32Array(units), new Uint32Array(units)];
  const sums = totals.map((total) => new Float64Array(total.length));
  const pauseEvery = Math.max(1, Math.floor(drawsAtOnce / units));
  for (let resample = 0; resample < resamples; resample++) {
    if (resample > 0 && resample % pauseEvery === 0) yield resample;
    drawBelow(drawn, units, { seed, stream: resample });
    weights.fill(0);
    for (const unit of drawn) weights[unit] = (weights[unit] ?? 0) + 1;
    for (const [part, rows] of parts.entries()) weightedTotal(rows, weights, sums[part] ?? new Float64Array());
    const resampled = value(sums);
    if (resampled === null) return null;
    distribution[resample] = resampled;
  }
  return { observed, distribution, jackknife };
}

function leaveOneOut({ parts, value }: SummedStatistic, totals: readonly Float64Array[], units: number) {
  const left = new Float64Array(units);
  const sums = totals.map((total) => total.slice());
  for (let unit = 0; unit < units; unit++) {
    for (const [part, rows] of parts.entries()) takeOff(rows, unit, sums[part] ?? new Float64Array());
    const without = value(sums);
    if (without === null) return null;
    left[unit] = without;
    for (const [part, total] of totals.entries()) putBack(parts[part], unit, { sums: sums[part], total });
  }
  return left;
}

function takeOff({ offsets, slots, terms }: RowSums, unit: number, sums: Float64Array): void {
  const end = offsets[unit + 1] ?? 0;
  for (let entry = offsets[unit] ?? 0; entry < end; entry++) {
    const slot = slots[entry] ?? 0;
    sums[slot] = (sums[slot] ?? 0) - (terms[entry] ?? 0);
  }
}

/** Copies the touched sums instead of adding the terms again, so that rounding does not pile up. */
function putBack(
  rows: RowSums | undefined,
  unit: number,
  { sums, total }: { readonly sums: Float64Array | undefined; readonly total: Float64Array },
): void {
  if (rows === undefined || sums === undefined) return;
  const end = rows.offsets[unit + 1] ?? 0;
  for (let entry = rows.offsets[unit] ?? 0; entry < end; entry++) {
    const slot = rows.slots[entry] ?? 0;
    sums[slot] = total[slot] ?? 0;
  }
}
