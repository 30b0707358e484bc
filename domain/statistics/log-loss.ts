/**
 * Probabilities are clipped to [2^-23, 1 - 2^-23], the machine epsilon of FP32 that scikit-learn clips FP32 answers to: a sure but wrong
 * answer would cost infinity.
 */
export const probabilityFloor = 2 ** -23;

/** Log loss of one answer in nats: -(y ln p + (1 - y) ln(1 - p)). */
export function logLoss(probability: number, label: number): number {
  const clipped = Math.min(Math.max(probability, probabilityFloor), 1 - probabilityFloor);
  return label === 1 ? -Math.log(clipped) : -Math.log1p(-clipped);
}
