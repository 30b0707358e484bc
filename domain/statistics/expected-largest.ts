import type { SpecialFunctions } from '../special-functions.ts';

/** Steps of the integral, and where it ends, in standard deviations of the widest: beyond nothing is left. */
const steps = 128;
const reach = 8;

/**
 * The mean of the largest |Z| of normal variables with mean 0 and these standard deviations, were they independent: the integral over
 * x of 1 - prod P(|Z| <= x). Where they depend on each other, as shares of one sample do, the true mean is at most this: Šidák,
 * Journal of the American Statistical Association 62, 1967.
 */
export function expectedLargest(special: SpecialFunctions, deviations: readonly number[]): number {
  const spread = deviations.filter((deviation) => deviation > 0);
  const width = (reach * Math.max(0, ...spread)) / steps;
  let sum = width / 2;
  for (let step = 1; step <= steps; step++) {
    let below = 1;
    for (const deviation of spread) below *= 2 * special.normalCdf((step * width) / deviation) - 1;
    sum += width * (1 - below);
  }
  return spread.length === 0 ? 0 : sum;
}
