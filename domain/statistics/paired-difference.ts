import { type MeanEstimate, meanEstimate, momentsOf } from './moments.ts';

/**
 * Mean of `challenger[i] - champion[i]` and its standard error sd / sqrt(n). Pairing takes the rows' own difficulty out, which
 * is most of the variance of a loss.
 *
 * @returns null below two pairs.
 */
export function pairedDifference(challenger: ArrayLike<number>, champion: ArrayLike<number>): MeanEstimate | null {
  return meanEstimate(momentsOf(Array.from(challenger, (value, row) => value - (champion[row] ?? 0))));
}
