/** Squared error of one predicted probability, (p - y)²: Brier, Monthly Weather Review 78, 1950. */
export function brierLoss(probability: number, label: number): number {
  return (probability - label) ** 2;
}

/**
 * Brier's loss of one row of `width` class probabilities that starts at `from`: the sum over the classes of (p - y)², from 0 to 2, not
 * halved. A row of a class that has no column (label -1) pays 1 for it.
 */
export function classBrierLoss(
  outputs: ArrayLike<number>,
  { from, width, label }: { readonly from: number; readonly width: number; readonly label: number },
): number {
  let loss = label < 0 ? 1 : 0;
  for (let column = 0; column < width; column++)
    loss += ((outputs[from + column] ?? 0) - (column === label ? 1 : 0)) ** 2;
  return loss;
}
