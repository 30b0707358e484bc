/** Squared error of one predicted probability, (p - y)²: Brier, Monthly Weather Review 78, 1950. */
export function brierLoss(probability: number, label: number): number {
  return (probability - label) ** 2;
}
