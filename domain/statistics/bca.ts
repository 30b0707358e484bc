import type { SpecialFunctions } from '../special-functions.ts';
import type { Bounds } from './normal-bounds.ts';

/** A statistic of the sample, of resamples of it, and of the sample without each of its units. */
export type Resampled = {
  readonly observed: number;
  readonly distribution: Float64Array;
  readonly jackknife: Float64Array;
};

/**
 * Bounds from a bootstrap distribution, bias-corrected and accelerated, each at the one-sided error alpha: quantiles of the distribution at
 * Phi(z0 + (z0 + z) / (1 - a (z0 + z))), z0 from the share of resamples below the observed value, a from the skewness of the jackknife.
 * As scipy.stats.bootstrap does with method 'BCa'. Source: Efron, Journal of the American Statistical Association 82, 1987.
 *
 * @returns null where the resamples all lie on one side, or all are the same: then they say nothing of the value's spread.
 */
export function bcaBounds(
  special: SpecialFunctions,
  { observed, distribution, jackknife }: Resampled,
  alpha: number,
): Bounds | null {
  const sorted = distribution.toSorted();
  const below = shareBelow(sorted, observed);
  if (below <= 0 || below >= 1 || sorted[0] === sorted.at(-1)) return null;
  const bias = special.normalQuantile(below);
  const acceleration = accelerationOf(jackknife);
  const at = (tail: number): number => {
    const shifted = bias + special.normalQuantile(tail);
    return quantileOf(sorted, special.normalCdf(bias + shifted / (1 - acceleration * shifted)));
  };
  return { lower: at(alpha), upper: at(1 - alpha) };
}

/** Standard error by the jackknife: sqrt((n - 1) / n sum (value without unit - their mean)²). */
export function jackknifeError(jackknife: Float64Array): number {
  const n = jackknife.length;
  const mean = meanOf(jackknife);
  return Math.sqrt(((n - 1) / n) * jackknife.reduce((sum, value) => sum + (value - mean) ** 2, 0));
}

/** Share of resamples below, those that are equal counting half. */
function shareBelow(sorted: Float64Array, observed: number): number {
  let [less, equal] = [0, 0];
  for (const value of sorted) {
    if (value < observed) less++;
    else if (value === observed) equal++;
    else break;
  }
  return (less + equal / 2) / sorted.length;
}

function accelerationOf(jackknife: Float64Array): number {
  const mean = meanOf(jackknife);
  let [squares, cubes] = [0, 0];
  for (const value of jackknife) {
    squares += (mean - value) ** 2;
    cubes += (mean - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / squares ** 1.5 / 6;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantileOf(sorted: Float64Array, probability: number): number {
  const position = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? 0;
  return below + (above - below) * (position - Math.floor(position));
}
