/**
 * Sample quantile with linear interpolation between order statistics (type 7 of Hyndman and Fan, numpy's default).
 *
 * @returns null without values.
 */
export function quantile(values: ArrayLike<number>, probability: number): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? 0;
  return below + (above - below) * (position - Math.floor(position));
}
