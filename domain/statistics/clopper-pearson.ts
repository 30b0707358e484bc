import type { SpecialFunctions } from '../special-functions.ts';
import { bisect } from './bisect.ts';
import type { Bounds } from './normal-bounds.ts';

/**
 * Exact bounds of a share of which `count` of `n` were seen: each errs with probability at most alpha, whatever n is; not one approximation
 * goes wrong where the share is near 0 or 1. Source: Clopper and Pearson, Biometrika 26, 1934.
 */
export function clopperPearson(
  special: SpecialFunctions,
  { count, n }: { readonly count: number; readonly n: number },
  alpha: number,
): Bounds {
  const lower =
    count === 0 ? 0 : bisect((share) => special.incompleteBeta(count, n - count + 1, share) - alpha, 0, count / n);
  const upper =
    count === n ? 1 : bisect((share) => special.incompleteBeta(n - count, count + 1, 1 - share) - alpha, count / n, 1);
  return { lower, upper };
}
