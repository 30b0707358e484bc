import type { SpecialFunctions } from '../special-functions.ts';
import type { Distance } from './distance.ts';
import { expectedLargest } from './expected-largest.ts';
import { kolmogorovSurvival } from './kolmogorov-distribution.ts';
import type { BinnedSamples } from './population-stability-index.ts';

/** `pValue` is exact where neither sample has more than 10,000 values, else asymptotic: as scipy's ks_2samp with method="auto". */
export type KolmogorovSmirnovTest = {
  readonly statistic: number;
  readonly pValue: number;
  readonly asymptoticPValue: number;
};

/** Up to this many values a sample the exact p value is computed: at most 10^8 steps. */
const exactUpTo = 10_000;

/** Mean of the largest difference of two continuous distribution functions, over sqrt(1/N + 1/M): sqrt(π/2) ln 2. */
const meanOfKolmogorov = Math.sqrt(Math.PI / 2) * Math.LN2;

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided: the largest difference of the two empirical distribution functions. Equal to scipy's
 * ks_2samp. The asymptotic p value is that of one sample of round(N M / (N + M)) values, also scipy's choice.
 * Sources: Hodges, Arkiv för Matematik 3, 1958 (exact, by counting paths); Simard and L'Ecuyer, Journal of Statistical Software 39(11),
 * 2011.
 *
 * @returns null when a sample is empty.
 */
export function kolmogorovSmirnovTest(
  reference: ArrayLike<number>,
  current: ArrayLike<number>,
): KolmogorovSmirnovTest | null {
  const n = reference.length;
  const m = current.length;
  if (n === 0 || m === 0) return null;
  // A whole number of steps of 1 / lcm: what is compared exactly must not be a rounded fraction.
  const common = (n / greatestCommonDivisor(n, m)) * m;
  const steps = largestDifference(Float64Array.from(reference).sort(), Float64Array.from(current).sort(), common);
  const statistic = steps / common;
  const asymptoticPValue = kolmogorovSurvival(roundHalfEven((n * m) / (n + m)), statistic);
  if (Math.max(n, m) > exactUpTo) return { statistic, pValue: asymptoticPValue, asymptoticPValue };
  return { statistic, pValue: Math.min(1, exactSurvival(Math.max(n, m), Math.min(n, m), steps)), asymptoticPValue };
}

/**
 * The same statistic from counts over bins in ascending order: the largest difference at a boundary. At most the statistic of the
 * values themselves, which may differ more within a bin.
 *
 * `expected` is a bound of the mean without drift: the smaller of that for continuous values and that of independent boundaries
 * (see `expectedLargest`).
 *
 * @returns null when a sample is empty.
 */
export function kolmogorovSmirnovOfCounts(special: SpecialFunctions, samples: BinnedSamples): Distance | null {
  const n = samples.reference.reduce((sum, count) => sum + count, 0);
  const m = samples.current.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) return null;
  let value = 0;
  let before = 0;
  let now = 0;
  const deviations: number[] = [];
  const scale = Math.sqrt(1 / n + 1 / m);
  for (const [bin, count] of samples.reference.entries()) {
    const inBin = count + (samples.current[bin] ?? 0);
    before += count;
    now += samples.current[bin] ?? 0;
    value = Math.max(value, Math.abs(now / m - before / n));
    const share = (before + now) / (n + m);
    if (inBin > 0 && share < 1) deviations.push(Math.sqrt(share * (1 - share)) * scale);
  }
  return { value, expected: Math.min(meanOfKolmogorov * scale, expectedLargest(special, deviations)) };
}

function largestDifference(before: Float64Array, now: Float64Array, common: number): number {
  let largest = 0;
  let i = 0;
  let j = 0;
  while (i < before.length && j < now.length) {
    const value = Math.min(before[i] ?? 0, now[j] ?? 0);
    while (i < before.length && before[i] === value) i++;
    while (j < now.length && now[j] === value) j++;
    largest = Math.max(largest, Math.abs(i * (common / before.length) - j * (common / now.length)));
  }
  return largest;
}

/**
 * P(D >= steps / lcm) for n >= m values: a path from (0, 0) to (n, m) stands for one order of all values, and each step right or up is
 * as likely as values are left of its sample. Adds up, column by column, the probability of paths that have left the corridor, so that
 * nothing is subtracted from 1 and far tails keep their digits.
 */
function exactSurvival(n: number, m: number, steps: number): number {
  if (steps === 0) return 1;
  const divisor = greatestCommonDivisor(n, m);
  const [right, up] = [m / divisor, n / divisor];
  const outside = new Float64Array(m + 1);
  const leaves = (i: number, j: number): boolean => Math.abs(i * right - j * up) >= steps;
  for (let j = 0; j <= m; j++) outside[j] = leaves(0, j) ? 1 : (outside[j - 1] ?? 0);
  for (let i = 1; i <= n; i++) {
    if (leaves(i, 0)) outside[0] = 1;
    for (let j = 1; j <= m; j++) {
      // The last step into (i, j) came from the left with probability i / (i + j).
      outside[j] = leaves(i, j) ? 1 : ((outside[j] ?? 0) * i + (outside[j - 1] ?? 0) * j) / (i + j);
    }
  }
  return outside[m] ?? 0;
}

/** As Python and IEEE 754 round, because scipy does. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
