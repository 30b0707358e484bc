/**
 * The one-sided error rate that the k-th use of a hold-out may spend, so that all uses together spend at most `alpha`, however many there
 * will be: alpha 6 / (pi² k²), because the sum of 1 / k² is pi² / 6. A challenger that is chosen by what it scored before on the same rows
 * fits them by and by; a bound that grows stricter with each use keeps the promise.
 */
export function alphaOfUse(alpha: number, use: number): number {
  return (alpha * 6) / (Math.PI ** 2 * use ** 2);
}

/** The error rate of each of `slices` bounds that shall hold together: Bonferroni's alpha / m, right under any dependence. */
export function alphaOfSlice(alpha: number, slices: number): number {
  return alpha / Math.max(1, slices);
}
