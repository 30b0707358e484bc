import type { SpecialFunctions } from '../special-functions.ts';
import type { Bounds } from './normal-bounds.ts';
import { type Share, wilsonBounds } from './wilson.ts';

/**
 * Bounds of the difference `a - b` of the shares of two independent samples, each at the one-sided error alpha, from Wilson's bounds of
 * each. Source: Newcombe, Statistics in Medicine 17, 1998, method 10.
 */
export function shareDifferenceBounds(special: SpecialFunctions, a: Share, b: Share, alpha: number): Bounds {
  const [ofA, ofB] = [wilsonBounds(special, a, alpha), wilsonBounds(special, b, alpha)];
  const [shareA, shareB] = [a.count / a.n, b.count / b.n];
  return {
    lower: shareA - shareB - Math.hypot(shareA - ofA.lower, ofB.upper - shareB),
    upper: shareA - shareB + Math.hypot(shareB - ofB.lower, ofA.upper - shareA),
  };
}
