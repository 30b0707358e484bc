/** Probabilities are clipped to [1e-7, 1 - 1e-7]: models answer in FP32, where a sure but wrong answer would cost infinity. */
export const probabilityFloor = 1e-7;

/** Log loss of one answer in nats: -(y ln p + (1 - y) ln(1 - p)). */
export function logLoss(probability: number, label: number): number {
  const clipped = Math.min(Math.max(probability, probabilityFloor), 1 - probabilityFloor);
  return label === 1 ? -Math.log(clipped) : -Math.log1p(-clipped);
}
