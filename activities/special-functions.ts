import * as cephes from 'cephes';
import type { SpecialFunctions } from '../domain/special-functions.ts';

/** ln of the smallest normal double: below it cephes throws instead of answering 0. */
const lnSmallest = -708;

await cephes.compiled;

/** The special functions by cephes (WebAssembly), compiled when this module is loaded. Held against scipy in the tests. */
export const specialFunctions: SpecialFunctions = {
  lnGamma: cephes.lgam,
  incompleteBeta: cephes.incbet,
  chiSquareSurvival,
  normalCdf,
  normalQuantile: cephes.ndtri,
};

/** Below it cephes' own function loses its digits; the square of a normal is chi-square with one degree of freedom. */
const farTail = -8;

function normalCdf(x: number): number {
  return x < farTail ? chiSquareSurvival(1, x * x) / 2 : cephes.ndtr(x);
}

function chiSquareSurvival(df: number, x: number): number {
  const shape = df / 2;
  const half = x / 2;
  if (half > shape && shape * Math.log(half) - half - cephes.lgam(shape) < lnSmallest) return 0;
  return cephes.chdtrc(df, x);
}
