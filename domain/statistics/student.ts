import type { SpecialFunctions } from '../special-functions.ts';
import { bisect } from './bisect.ts';
import type { MeanEstimate } from './moments.ts';
import type { Bounds } from './normal-bounds.ts';

/** Probability that Student's t with `df` degrees of freedom exceeds t >= 0: I_{df / (df + t²)}(df / 2, 1/2) / 2. */
export function studentTail(special: SpecialFunctions, df: number, t: number): number {
  return special.incompleteBeta(df / 2, 0.5, df / (df + t * t)) / 2;
}

/** The t that is exceeded with probability `tail`, at most a half. */
export function studentQuantile(special: SpecialFunctions, df: number, tail: number): number {
  let high = 1;
  while (studentTail(special, df, high) > tail) high *= 2;
  return bisect((t) => studentTail(special, df, t) - tail, 0, high);
}

/**
 * Bounds of a mean by Student's t, each at the one-sided error alpha, and the two-sided p value of "the mean is zero". Exact for normal
 * values, and for others as good as the central limit theorem; it needs no normal table at few rows.
 */
export function studentBounds(
  special: SpecialFunctions,
  { n, value, standardError }: MeanEstimate,
  alpha: number,
): Bounds & { readonly pValue: number } {
  const reach = studentQuantile(special, n - 1, alpha) * standardError;
  const pValue =
    standardError === 0 ? Number(value === 0) : 2 * studentTail(special, n - 1, Math.abs(value / standardError));
  return { lower: value - reach, upper: value + reach, pValue };
}
