import type { SpecialFunctions } from '../special-functions.ts';

/** A lower and an upper confidence bound, each at the one-sided error it was asked for. */
export type Bounds = { readonly lower: number; readonly upper: number };

/**
 * Normal bounds `estimate -+ z standardError` with z the (1 - alpha) quantile: each bound errs with probability alpha, both
 * together are a two-sided interval at 2 alpha. For one look only: who peeks needs a confidence sequence.
 */
export function normalBounds(
  special: SpecialFunctions,
  estimate: { readonly value: number; readonly standardError: number; readonly alpha: number },
): Bounds {
  const reach = special.normalQuantile(1 - estimate.alpha) * estimate.standardError;
  return { lower: estimate.value - reach, upper: estimate.value + reach };
}
