/**
 * Special functions that statistics need, passed in: the domain imports nothing. Activities supply cephes.
 * Tails must hold scipy's precision; see docs/decisions for why cephes.
 */
export type SpecialFunctions = {
  /** ln |Gamma(x)|. */
  readonly lnGamma: (x: number) => number;
  /** Regularised incomplete beta I_x(a, b). */
  readonly incompleteBeta: (a: number, b: number, x: number) => number;
  /** Survival function of chi-square with `df` degrees of freedom. */
  readonly chiSquareSurvival: (df: number, x: number) => number;
  /** Standard normal distribution function. */
  readonly normalCdf: (x: number) => number;
  /** Standard normal quantile. */
  readonly normalQuantile: (p: number) => number;
};
