import type { SpecialFunctions } from '../../domain/special-functions.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';

/** How many of the `trials` showed the event. */
export type EventShare = { readonly events: number; readonly trials: number };

/** Two shares taken one after the other, not side by side. */
export type LaterComparison = {
  /** Of the champion, in a ramp's earlier epochs. */
  readonly before: EventShare;
  /** Of the challenger, while it had all the traffic. */
  readonly alone: EventShare;
  /** The error rate that `before` may be mistaken at. */
  readonly boundError: number;
};

/** Halvings of the unit interval: beyond them a double says no more. */
const halvings = 60;

/**
 * Natural logarithm of the evidence (an e-value) that the challenger alone fails more often than the champion did before.
 *
 * The challenger's share is held against an upper bound of the champion's rate, by the same beta mixture as `errorEventLogEvidence`:
 * where its rate is at most the bound, E has mean at most 1 at every look, whatever came before, so it may be multiplied onto evidence
 * of earlier epochs. The bound is too low with probability at most `boundError` over all lengths of the ramp, which comes on top.
 *
 * Assumes what a comparison side by side does not need: that the champion's rate would have stayed as it was. An outage that hits
 * both arms at that time counts against the challenger.
 *
 * @returns 0 (no evidence either way) without trials of the challenger, and where the champion always failed.
 */
export function laterLogEvidence(special: SpecialFunctions, { before, alone, boundError }: LaterComparison): number {
  const share = rateUpperBound(special, before, boundError);
  return errorEventLogEvidence(special, { errors: alone.trials, inCanary: alone.events, share });
}

/**
 * Upper end of a confidence sequence for a rate: the truth is above it at any number of trials with probability at most `error`, so
 * the ramp may end when it likes. It is the largest p that the Jeffreys mixture does not refute:
 *
 *   B(1/2 + x, 1/2 + n - x) / B(1/2, 1/2) = p^x (1 - p)^(n - x) / error
 *
 * Source: Robbins, Annals of Mathematical Statistics 41(5), 1970; Howard and others, arXiv 1810.08240.
 */
export function rateUpperBound(special: SpecialFunctions, { events, trials }: EventShare, error: number): number {
  const others = trials - events;
  const lnBeta = (a: number, b: number): number => special.lnGamma(a) + special.lnGamma(b) - special.lnGamma(a + b);
  const lnMixture = lnBeta(0.5 + events, 0.5 + others) - lnBeta(0.5, 0.5);
  const refuted = (rate: number): boolean =>
    lnMixture - (events === 0 ? 0 : events * Math.log(rate)) - others * Math.log1p(-rate) >= -Math.log(error);
  let [low, high] = [trials === 0 ? 1 : events / trials, 1];
  for (let halving = 0; halving < halvings && others > 0; halving++) {
    const middle = (low + high) / 2;
    if (refuted(middle)) high = middle;
    else low = middle;
  }
  return high;
}
