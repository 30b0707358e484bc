import type { SpecialFunctions } from '../special-functions.ts';
import { areaComponents, areaStandardError } from '../statistics/delong.ts';
import { type Bounds, normalBounds } from '../statistics/normal-bounds.ts';
import type { PairedRows } from './intervals.ts';
import type { ScoredRows } from './metrics.ts';

type Interval = {
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: string;
  readonly pValue?: number;
};
type Options = { readonly special: SpecialFunctions; readonly alpha: number };

/**
 * Bounds of the AUC from DeLong's standard error on the logit scale, so that they stay within 0 and 1 and hold near 1, where plain normal
 * bounds are too narrow. A perfect order of few rows has no spread at all; then the bound is exact: k disjoint pairs all stand right with
 * probability AUC^k at most, so the lower bound is alpha^(1/k), k the rows of the rarest class. `null` with fewer than two rows of a class.
 */
export function aucInterval(scored: ScoredRows, { special, alpha }: Options): Interval {
  const method = scored.task === 'binary' ? 'DeLong, logit' : 'DeLong, macro, logit';
  const components = areaComponents(scored);
  if (components === null) return { lower: null, upper: null, method };
  const { area } = components;
  const standardError = areaStandardError(components);
  const pairs = rarest(scored.labels, components.classes);
  if (area >= 1 || area <= 0 || standardError === 0) return { ...exactBounds(area, pairs, alpha), method };
  const logit = Math.log(area / (1 - area));
  const { lower, upper } = normalBounds(special, {
    value: logit,
    standardError: standardError / (area * (1 - area)),
    alpha,
  });
  return { lower: 1 / (1 + Math.exp(-lower)), upper: 1 / (1 + Math.exp(-upper)), method };
}

/** Bounds of the difference of two AUCs on the same rows by DeLong's standard error, and its p value. */
export function aucDifferenceInterval({ challenger, champion }: PairedRows, { special, alpha }: Options): Interval {
  const method = challenger.task === 'binary' ? 'DeLong, paired' : 'DeLong, paired, macro';
  const [ours, theirs] = [areaComponents(challenger), areaComponents(champion)];
  if (ours === null || theirs === null) return { lower: null, upper: null, method };
  const value = ours.area - theirs.area;
  const standardError = areaStandardError(ours, theirs);
  if (standardError === 0 && value !== 0) return { lower: null, upper: null, method };
  const pValue = standardError === 0 ? 1 : 2 * special.normalCdf(-Math.abs(value / standardError));
  return { ...normalBounds(special, { value, standardError, alpha }), pValue, method };
}

/** Nothing is known of an area whose rows all add the same, unless the order is perfect, or perfectly wrong. */
function exactBounds(area: number, pairs: number, alpha: number): Bounds {
  const reach = 1 - alpha ** (1 / pairs);
  return { lower: area >= 1 ? 1 - reach : 0, upper: area <= 0 ? reach : 1 };
}

function rarest(labels: ArrayLike<number>, classes: number): number {
  const counts = Array.from({ length: classes }, () => 0);
  for (let row = 0; row < labels.length; row++) counts[labels[row] ?? 0] = (counts[labels[row] ?? 0] ?? 0) + 1;
  return Math.min(...counts);
}
