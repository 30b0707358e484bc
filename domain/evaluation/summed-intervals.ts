import { bcaBounds, jackknifeError, type Resampled } from '../statistics/bca.ts';
import { bootstrap, type SummedStatistic } from '../statistics/bootstrap.ts';
import { groupSums, randomGroups } from '../statistics/group-rows.ts';
import { normalBounds } from '../statistics/normal-bounds.ts';
import { quantile } from '../statistics/quantile.ts';
import { type RowSums, totalOf } from '../statistics/row-sums.ts';
import { answerAlike } from './answers.ts';
import type { IntervalOptions, PairedRows } from './intervals.ts';
import type { ScoredRows } from './metrics.ts';
import { type SummedMetricName, summedMetrics } from './summed-metrics.ts';

type Interval = { readonly lower: number | null; readonly upper: number | null; readonly method: string };

/** Above so many rows groups of rows are resampled instead of rows. */
const mostUnits = 10_000;

/** Resamples of fewer rows do not spread as the rows of another hold-out would. */
const fewestRows = 20;

/** Resamples at least, at most, and how many shall lie beyond a bound: a quantile that rests on a few is noise. */
const [leastResamples, mostResamples, beyondBound] = [2000, 40_000, 20];

/** Bounds of one model's metric: BCa, or for calibration a confidence ball. */
export async function summedInterval(
  metric: SummedMetricName,
  scored: ScoredRows,
  options: IntervalOptions,
): Promise<Interval> {
  const { rows, value } = summedMetrics[metric](scored);
  const [part] = grouped([rows], options);
  if (part === undefined) return { lower: null, upper: null, method: 'none' };
  if (metric === 'calibration') return calibrationBall(part, value(totalOf(rows)) ?? 0, options);
  return boundsOf({ parts: [part], value: ([sums = new Float64Array()]) => value(sums) }, options, 'bootstrap BCa');
}

/** Bounds of the difference challenger - champion: BCa over the same resamples of both. */
export async function summedDifferenceInterval(
  metric: SummedMetricName,
  { challenger, champion }: PairedRows,
  options: IntervalOptions,
): Promise<Interval> {
  const [ours, theirs] = [summedMetrics[metric](challenger), summedMetrics[metric](champion)];
  const value = ([a = new Float64Array(), b = new Float64Array()]: readonly Float64Array[]): number | null => {
    const [left, right] = [ours.value(a), theirs.value(b)];
    return left === null || right === null ? null : left - right;
  };
  const interval = await boundsOf(
    { parts: grouped([ours.rows, theirs.rows], options), value },
    options,
    'paired bootstrap BCa',
  );
  return interval.lower === null && answerAlike(challenger, champion) ? { ...interval, lower: 0, upper: 0 } : interval;
}

async function boundsOf(statistic: SummedStatistic, options: IntervalOptions, name: string): Promise<Interval> {
  const { special, alpha } = options;
  const resamples = resamplesFor(alpha);
  const resampled = await run(statistic, options, resamples ?? leastResamples);
  if (resampled === null) return { lower: null, upper: null, method: name };
  if (resamples !== null) {
    const bounds = bcaBounds(special, resampled, alpha);
    return {
      lower: bounds?.lower ?? null,
      upper: bounds?.upper ?? null,
      method: described(name, resamples, options.seed),
    };
  }
  // Quantiles so far out would need more resamples than there is time for.
  const standardError = jackknifeError(resampled.jackknife);
  if (standardError === 0) return { lower: null, upper: null, method: 'jackknife, normal' };
  return { ...normalBounds(special, { value: resampled.observed, standardError, alpha }), method: 'jackknife, normal' };
}

/**
 * ECE is a sum of absolute gaps, biased upwards where a model is well calibrated, and there BCa fails. But the gaps themselves are means:
 * with probability 1 - alpha the true gaps lie, summed absolutely, within the distance that resampled gaps have from the measured ones, and
 * by the triangle inequality so does the true ECE.
 */
async function calibrationBall(part: RowSums, value: number, options: IntervalOptions): Promise<Interval> {
  const resamples = resamplesFor(options.alpha);
  const name = 'bootstrap of the gaps';
  const total = totalOf(part);
  const rows = total.at(-1) ?? 0;
  const distance = ([sums = new Float64Array()]: readonly Float64Array[]): number => {
    const drawn = sums.at(-1) ?? 1;
    let apart = 0;
    for (let bin = 0; bin < sums.length - 1; bin++)
      apart += Math.abs((sums[bin] ?? 0) / drawn - (total[bin] ?? 0) / rows);
    return apart;
  };
  // At a smaller alpha the distance is not to be had from this many resamples; then there is no bound.
  if (resamples === null) return { lower: null, upper: null, method: name };
  const resampled = await run({ parts: [part], value: distance }, options, resamples);
  const reach = resampled === null ? null : quantile(resampled.distribution, 1 - options.alpha);
  if (reach === null || reach === 0) return { lower: null, upper: null, method: name };
  return {
    lower: Math.max(0, value - reach),
    upper: Math.min(1, value + reach),
    method: described(name, resamples, options.seed),
  };
}

async function run(
  statistic: SummedStatistic,
  { seed, pause }: IntervalOptions,
  resamples: number,
): Promise<Resampled | null> {
  if ((statistic.parts[0]?.offsets.length ?? 1) - 1 < fewestRows) return null;
  const work = bootstrap(statistic, { resamples, seed });
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** Null: the bound lies too far out for quantiles. */
function resamplesFor(alpha: number): number | null {
  const wanted = Math.ceil(beyondBound / alpha);
  return wanted > mostResamples ? null : Math.max(leastResamples, wanted);
}

function grouped(parts: readonly RowSums[], { seed }: { readonly seed: number }): readonly RowSums[] {
  const rows = (parts[0]?.offsets.length ?? 1) - 1;
  if (rows <= mostUnits) return parts;
  const groupOf = randomGroups(rows, mostUnits, seed);
  return parts.map((part) => groupSums(part, groupOf, mostUnits));
}

function described(name: string, resamples: number, seed: number): string {
  return `${name}, ${resamples} resamples, seed ${seed}`;
}
