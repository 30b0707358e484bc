/**
 * Loss of a predicted quantile: q (y - p) where the truth lies above, (1 - q) (p - y) where it lies below. Its mean is least at the true
 * quantile: Koenker and Bassett, Econometrica 46, 1978.
 */
export function pinballLoss(prediction: number, truth: number, quantile: number): number {
  const excess = truth - prediction;
  return excess >= 0 ? quantile * excess : (quantile - 1) * excess;
}
