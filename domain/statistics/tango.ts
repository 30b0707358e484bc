import type { SpecialFunctions } from '../special-functions.ts';
import { bisect } from './bisect.ts';
import type { Discordant } from './mcnemar.ts';
import type { Bounds } from './normal-bounds.ts';

/**
 * Bounds of the difference of two shares on the same n rows, (b - c) / n: all differences that the score test does not reject. The test
 * at zero is McNemar's. Unlike the normal bounds they do not shrink to nothing where both models answer alike on few rows.
 *
 *   T(d) = (b - c - n d) / sqrt(n (2 q + d (1 - d))), q = (sqrt(B² - 8 n C) - B) / (4 n), B = (2 n - b + c) d - b - c, C = -c d (1 - d)
 *
 * with q the likeliest share of c rows where the difference is d. Source: Tango, Statistics in Medicine 17, 1998.
 */
export function pairedShareBounds(
  special: SpecialFunctions,
  { onlyChallenger, onlyChampion, n }: Discordant & { readonly n: number },
  alpha: number,
): Bounds {
  const z = special.normalQuantile(1 - alpha);
  const statistic = (difference: number): number => {
    const excess = onlyChallenger - onlyChampion - n * difference;
    const linear = (2 * n - onlyChallenger + onlyChampion) * difference - onlyChallenger - onlyChampion;
    const constant = -onlyChampion * difference * (1 - difference);
    const share = (Math.sqrt(Math.max(linear * linear - 8 * n * constant, 0)) - linear) / (4 * n);
    const variance = n * (2 * share + difference * (1 - difference));
    return variance > 0 ? excess / Math.sqrt(variance) : Math.sign(excess) * Number.MAX_VALUE;
  };
  const seen = (onlyChallenger - onlyChampion) / n;
  return {
    lower: seen <= -1 ? -1 : bisect((difference) => statistic(difference) - z, -1, seen),
    upper: seen >= 1 ? 1 : bisect((difference) => statistic(difference) + z, seen, 1),
  };
}
