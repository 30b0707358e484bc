import type { SpecialFunctions } from '../special-functions.ts';
import type { Bounds } from './normal-bounds.ts';

/** `count` of `n`. */
export type Share = { readonly count: number; readonly n: number };

/**
 * Bounds of a share by the score test, each at the one-sided error alpha: Wilson, Journal of the American Statistical Association 22, 1927.
 */
export function wilsonBounds(special: SpecialFunctions, { count, n }: Share, alpha: number): Bounds {
  const z = special.normalQuantile(1 - alpha);
  const share = count / n;
  const scale = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / scale;
  const reach = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / scale;
  return {
    lower: count === 0 ? 0 : Math.max(0, centre - reach),
    upper: count === n ? 1 : Math.min(1, centre + reach),
  };
}
