import type { SpecialFunctions } from '../special-functions.ts';

/** `gap` is mean label less mean prediction: above zero the model promises too little. */
export type CalibrationGap = { readonly n: number; readonly gap: number; readonly pValue: number };

/**
 * Calibration in the large: whether outcomes come as often as the model says.
 *
 * z = sum(y - p) / sqrt(sum p (1 - p)), two-sided: the normal approximation to a sum of independent Bernoulli(p) outcomes. It takes
 * rows as independent: outcomes of one hour or day that move together make p values too small, so judge the size of the gap too.
 *
 * @returns null without rows or where every prediction is exactly 0 or 1.
 */
export function calibrationGap(
  special: SpecialFunctions,
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
): CalibrationGap | null {
  let excess = 0;
  let variance = 0;
  for (let row = 0; row < predictions.length; row++) {
    const p = predictions[row] ?? 0;
    excess += (labels[row] ?? 0) - p;
    variance += p * (1 - p);
  }
  if (variance === 0) return null;
  const pValue = 2 * special.normalCdf(-Math.abs(excess) / Math.sqrt(variance));
  return { n: predictions.length, gap: excess / predictions.length, pValue };
}
