import type { SpecialFunctions } from '../special-functions.ts';
import { bisect } from './bisect.ts';
import type { Bounds } from './normal-bounds.ts';
import type { Share } from './wilson.ts';

/**
 * Bounds of the ratio `a / b` of the shares of two independent samples, each at the one-sided error alpha: all ratios r that the score
 * test does not reject,
 *
 *   T(r) = (p_a - r p_b) / sqrt((P (1 - P) / n_a + r² Q (1 - Q) / n_b) N / (N - 1))
 *
 * with P = r Q and Q the likeliest shares where the ratio is r. The upper bound is infinite where b has none.
 * Source: Miettinen and Nurminen, Statistics in Medicine 4, 1985.
 *
 * @returns null when neither sample has any: every ratio is possible.
 */
export function shareRatioBounds(special: SpecialFunctions, a: Share, b: Share, alpha: number): Bounds | null {
  if (a.count + b.count === 0) return null;
  const z = special.normalQuantile(1 - alpha);
  // Over the angle of the ratio, so that zero and infinity are its ends.
  const excess = (angle: number, wanted: number): number => ratioStatistic(a, b, Math.tan(angle)) - wanted;
  const seen = Math.atan2(a.count / a.n, b.count / b.n);
  const lower = a.count === 0 ? 0 : Math.tan(bisect((angle) => excess(angle, z), 0, seen));
  const upper =
    b.count === 0 ? Number.POSITIVE_INFINITY : Math.tan(bisect((angle) => excess(angle, -z), seen, Math.PI / 2));
  return { lower, upper };
}

function ratioStatistic(a: Share, b: Share, ratio: number): number {
  const rows = a.n + b.n;
  const linear = -(a.n * ratio + a.count + b.n + b.count * ratio);
  const quadratic = rows * ratio;
  // The smaller root, written so that it holds at ratio 0 too.
  const root = Math.sqrt(Math.max(linear * linear - 4 * quadratic * (a.count + b.count), 0));
  const ofB = Math.min(1, (2 * (a.count + b.count)) / (-linear + root));
  const ofA = Math.min(1, ofB * ratio);
  const variance = (ofA * (1 - ofA)) / a.n + (ratio ** 2 * ofB * (1 - ofB)) / b.n;
  const difference = a.count / a.n - (ratio * b.count) / b.n;
  if (variance <= 0) return Math.sign(difference) * Number.MAX_VALUE;
  return difference / Math.sqrt((variance * rows) / (rows - 1));
}
