import type { SpecialFunctions } from '../special-functions.ts';
import type { Distance } from './distance.ts';
import { expectedLargest } from './expected-largest.ts';
import type { BinnedSamples } from './population-stability-index.ts';

/**
 * L-infinity distance: the largest |q - p| of any bin, p the reference's and q the current shares. What TensorFlow Data Validation
 * compares categories by; numpy: abs(p - q).max(). `expected` is at most a little above the true mean (see `expectedLargest`).
 *
 * @returns null when a sample is empty.
 */
export function lInfinityDistance(special: SpecialFunctions, samples: BinnedSamples): Distance | null {
  const n = samples.reference.reduce((sum, count) => sum + count, 0);
  const m = samples.current.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) return null;
  let value = 0;
  const deviations: number[] = [];
  for (const [bin, before] of samples.reference.entries()) {
    const now = samples.current[bin] ?? 0;
    value = Math.max(value, Math.abs(now / m - before / n));
    const share = (before + now) / (n + m);
    if (share > 0) deviations.push(Math.sqrt(share * (1 - share) * (1 / n + 1 / m)));
  }
  // Of two bins one is the other's mirror image.
  return { value, expected: expectedLargest(special, deviations.length === 2 ? deviations.slice(1) : deviations) };
}
