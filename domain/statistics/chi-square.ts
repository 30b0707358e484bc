import type { SpecialFunctions } from '../special-functions.ts';
import type { BinnedSamples } from './population-stability-index.ts';

/** `effect` is the statistic without the samples' sizes in it, `expected` what the effect is on average where nothing has moved. */
export type ChiSquareTest = {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
  readonly effect: number;
  readonly expected: number;
};

/**
 * Pearson's chi-square test that two samples fall into the same bins alike: sum (O - E)² / E over both rows of the table, E from its
 * margins, without Yates' correction; bins that both leave empty count for nothing. That is scipy's chi2_contingency with
 * correction=False.
 *
 * The statistic grows with the rows, so no one limit on it is right. The effect, statistic (1/N + 1/M) = sum (p - q)² / r with r the
 * shares of both samples together, does not: it lies close to PSI, and on average without drift it is (B - 1)(1/N + 1/M).
 * The p value wants some rows a bin; see `mergeRareBins`. Source: Pearson, Philosophical Magazine 50, 1900.
 *
 * @returns null when a sample is empty.
 */
export function chiSquareTest(special: SpecialFunctions, samples: BinnedSamples): ChiSquareTest | null {
  const n = total(samples.reference);
  const m = total(samples.current);
  if (n === 0 || m === 0) return null;
  let effect = 0;
  let bins = 0;
  for (const [bin, before] of samples.reference.entries()) {
    const now = samples.current[bin] ?? 0;
    if (before + now === 0) continue;
    effect += ((before / n - now / m) ** 2 * (n + m)) / (before + now);
    bins++;
  }
  const scale = 1 / n + 1 / m;
  const statistic = effect / scale;
  const degreesOfFreedom = bins - 1;
  const pValue = degreesOfFreedom < 1 ? 1 : special.chiSquareSurvival(degreesOfFreedom, statistic);
  return { statistic, degreesOfFreedom, pValue, effect, expected: degreesOfFreedom * scale };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
