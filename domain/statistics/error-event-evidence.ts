import type { SpecialFunctions } from '../special-functions.ts';

/** Errors seen so far while a canary takes `share` of the traffic (0 to 1); `inCanary` of all `errors` fell into it. */
export type ErrorEvents = {
  readonly errors: number;
  readonly inCanary: number;
  readonly share: number;
  /** Weight of the mixture's prior, in errors; a small one finds large differences sooner. */
  readonly concentration?: number;
};

const defaultConcentration = 20;

/**
 * Natural logarithm of the evidence (an e-value) that the canary's error rate is higher than the champion's.
 *
 * Only error events are looked at: where both rates are equal, each error falls into the canary with probability `share`,
 * however the common rate moves with the time of day. With a = K share, b = K (1 - share), x of n errors in the canary and the
 * Beta(a, b) prior cut to probabilities above the share:
 *
 *   ln E = lnB(a+x, b+n-x) + ln(1 - I_share(a+x, b+n-x)) - lnB(a, b) - ln(1 - I_share(a, b)) - x ln share - (n-x) ln(1-share)
 *
 * E has mean at most 1 while the canary is not worse, at every look, so stopping at the first E >= 1/alpha errs with
 * probability at most alpha. It needs routing that does not depend on the request, and one event per routing unit.
 * Source: Lindon and Malek, NeurIPS 2022, arXiv 2011.03567; the truncation makes it one-sided.
 *
 * @returns 0 (no evidence either way) without errors, and where the share leaves nothing to compare (0 or 1).
 */
export function errorEventLogEvidence(special: SpecialFunctions, events: ErrorEvents): number {
  const { errors, inCanary, share, concentration = defaultConcentration } = events;
  if (errors === 0 || share <= 0 || share >= 1) return 0;
  const a = concentration * share;
  const b = concentration * (1 - share);
  const inChampion = errors - inCanary;
  return (
    lnUpperBeta(special, a + inCanary, b + inChampion, share) -
    lnUpperBeta(special, a, b, share) -
    inCanary * Math.log(share) -
    inChampion * Math.log1p(-share)
  );
}

/** ln of the beta integral from `from` to 1. The upper tail is taken as I_{1-x}(b, a): 1 - I_x(a, b) would lose all digits near 0. */
function lnUpperBeta(special: SpecialFunctions, a: number, b: number, from: number): number {
  const lnBeta = special.lnGamma(a) + special.lnGamma(b) - special.lnGamma(a + b);
  return lnBeta + Math.log(special.incompleteBeta(b, a, 1 - from));
}
