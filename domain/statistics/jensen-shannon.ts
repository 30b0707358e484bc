import type { SpecialFunctions } from '../special-functions.ts';
import type { Distance } from './distance.ts';
import type { BinnedSamples } from './population-stability-index.ts';

/**
 * Jensen-Shannon distance to base 2: the square root of (KL(p | r) + KL(q | r)) / 2, r = (p + q) / 2, from 0 (alike) to 1 (nothing in
 * common). The distance, not the divergence, as scipy's spatial.distance.jensenshannon(p, q, base=2); other tools take base e.
 *
 * Without drift the divergence is about (1/N + 1/M) / (8 ln 2) times chi-square with B - 1 degrees of freedom, so the distance is on
 * average the mean of a chi variable, sqrt(2) Γ((k + 1) / 2) / Γ(k / 2), times sqrt((1/N + 1/M) / (8 ln 2)).
 * Source: Lin, IEEE Transactions on Information Theory 37(1), 1991; Endres and Schindelin, same journal 49(7), 2003.
 *
 * @returns null when a sample is empty.
 */
export function jensenShannonDistance(special: SpecialFunctions, samples: BinnedSamples): Distance | null {
  const n = total(samples.reference);
  const m = total(samples.current);
  if (n === 0 || m === 0) return null;
  let divergence = 0;
  let bins = 0;
  for (const [bin, before] of samples.reference.entries()) {
    const p = before / n;
    const q = (samples.current[bin] ?? 0) / m;
    if (p + q === 0) continue;
    divergence += relativeEntropy(p, (p + q) / 2) + relativeEntropy(q, (p + q) / 2);
    bins++;
  }
  const scale = Math.sqrt((1 / n + 1 / m) / (8 * Math.LN2));
  // Rounding may leave a trifle below zero where both are alike.
  const value = Math.sqrt(Math.max(divergence, 0) / (2 * Math.LN2));
  return { value, expected: bins < 2 ? 0 : scale * meanOfChi(special, bins - 1) };
}

function relativeEntropy(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log(share / middle);
}

function meanOfChi(special: SpecialFunctions, degreesOfFreedom: number): number {
  const half = degreesOfFreedom / 2;
  return Math.SQRT2 * Math.exp(special.lnGamma(half + 0.5) - special.lnGamma(half));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
