/** Count, mean and sum of squared deviations of a stream of values. */
export type Moments = { readonly n: number; readonly mean: number; readonly squares: number };

/** No value seen yet. */
export const noMoments: Moments = { n: 0, mean: 0, squares: 0 };

/** Adds one value (Welford, Technometrics 4, 1962): stable in one pass, so that rows need not be kept. */
export function addValue(moments: Moments, value: number): Moments {
  const n = moments.n + 1;
  const delta = value - moments.mean;
  const mean = moments.mean + delta / n;
  return { n, mean, squares: moments.squares + delta * (value - mean) };
}

/** Moments of many values. */
export function momentsOf(values: Iterable<number>): Moments {
  let moments = noMoments;
  for (const value of values) moments = addValue(moments, value);
  return moments;
}

/** Unbiased sample variance; null below two values. */
export function sampleVariance(moments: Moments): number | null {
  return moments.n < 2 ? null : moments.squares / (moments.n - 1);
}

/** A mean with its standard error, both in the unit of the values. */
export type MeanEstimate = { readonly n: number; readonly value: number; readonly standardError: number };

/** The mean and its standard error sd / sqrt(n); null below two values. */
export function meanEstimate(moments: Moments): MeanEstimate | null {
  const variance = sampleVariance(moments);
  if (variance === null) return null;
  return { n: moments.n, value: moments.mean, standardError: Math.sqrt(variance / moments.n) };
}
