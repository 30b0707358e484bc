/**
 * Where a monotone function crosses zero between `low` and `high`, to the last bits: halving needs no derivative and cannot run away.
 * Where it does not change its sign, the end that lies nearer to zero.
 */
export function bisect(excess: (x: number) => number, low: number, high: number): number {
  const atLow = excess(low);
  const atHigh = excess(high);
  if (Math.sign(atLow) === Math.sign(atHigh)) return Math.abs(atLow) < Math.abs(atHigh) ? low : high;
  let [near, far] = [low, high];
  for (;;) {
    const middle = (near + far) / 2;
    if (middle === near || middle === far) return middle;
    if (Math.sign(excess(middle)) === Math.sign(atLow)) near = middle;
    else far = middle;
  }
}
