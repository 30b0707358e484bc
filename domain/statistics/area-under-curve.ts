import { midranks } from './midranks.ts';

/**
 * Area under the ROC curve: the probability that a positive row scores above a negative one, ties counting half. Exact, from
 * midranks (Mann-Whitney): (sum of positive ranks - m (m + 1) / 2) / (m n) with m positive and n negative rows. O(rows log rows).
 *
 * @returns null when one class is absent: then there is no curve.
 */
export function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): number | null {
  const ranks = midranks(scores);
  let positives = 0;
  let rankSum = 0;
  for (let row = 0; row < ranks.length; row++) {
    if (labels[row] !== 1) continue;
    positives++;
    rankSum += ranks[row] ?? 0;
  }
  const negatives = ranks.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
