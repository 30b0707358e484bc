import type { SpecialFunctions } from '../special-functions.ts';

/** Counts of two samples over the same bins. */
export type BinnedSamples = { readonly reference: readonly number[]; readonly current: readonly number[] };

/** `expected` is what PSI is on average without any drift; `value - expected` is the effect. */
export type StabilityIndex = {
  readonly value: number;
  readonly expected: number;
  readonly pValue: number;
  readonly bins: number;
};

/** Share that stands for an empty bin: ln 0 has no value. */
const emptyShare = 1e-4;

/**
 * Population stability index over stored bins: sum (q - p) ln(q / p) with p the reference's and q the current shares.
 *
 * Without drift PSI / (1/N + 1/M) follows chi-square with B - 1 degrees of freedom (N and M rows, B bins that hold anything), so
 * it averages (B - 1)(1/N + 1/M): fixed thresholds such as 0.1 mean nothing for small samples. The approximation wants some
 * tens of rows a bin; pool rare bins first. Source: Yurdakul and Naranjo, Journal of Risk Model Validation 14(4), 2020.
 *
 * @returns null when a sample is empty.
 */
export function populationStabilityIndex(special: SpecialFunctions, samples: BinnedSamples): StabilityIndex | null {
  const found = stabilityValue(samples);
  if (found === null) return null;
  const { value, bins } = found;
  const scale = 1 / total(samples.reference) + 1 / total(samples.current);
  const pValue = bins < 2 ? 1 : special.chiSquareSurvival(bins - 1, value / scale);
  return { value, expected: (bins - 1) * scale, pValue, bins };
}

/** The index alone and how many bins hold anything, for whoever shows it and tests nothing; null when a sample is empty. */
export function stabilityValue(samples: BinnedSamples): Pick<StabilityIndex, 'value' | 'bins'> | null {
  const n = total(samples.reference);
  const m = total(samples.current);
  if (n === 0 || m === 0) return null;
  let value = 0;
  let bins = 0;
  for (const [bin, before] of samples.reference.entries()) {
    const now = samples.current[bin] ?? 0;
    if (before === 0 && now === 0) continue;
    const p = before === 0 ? emptyShare : before / n;
    const q = now === 0 ? emptyShare : now / m;
    value += (q - p) * Math.log(q / p);
    bins++;
  }
  return { value, bins };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
