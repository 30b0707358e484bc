import { type AreaComponents, areaStandardError, areaSteps } from '../statistics/delong.ts';
import { type Bounds, normalBounds } from '../statistics/normal-bounds.ts';
import { answerAlike } from './answers.ts';
import type { Estimate, IntervalOptions, PairedRows } from './intervals.ts';
import type { ScoredRows } from './metrics.ts';

type Options = Pick<IntervalOptions, 'special' | 'alpha' | 'pause'>;

/** A spread below this is rounding: one pair of a million by a million rows makes more. */
const noSpread = 1e-12;

/** With fewer rows of a class DeLong's standard error of a difference is too small by far too often: simulated false passes were 10 to 37 %. */
const fewestOfClass = 10;

/**
 * The AUC and its bounds from DeLong's standard error on the logit scale, so that they stay within 0 and 1 and hold near 1, where plain normal
 * bounds are too narrow. A perfect order of few rows has no spread at all; then the bound is exact: k disjoint pairs all stand right with
 * probability AUC^k at most, so the lower bound is alpha^(1/k), k the rows of the rarest class. No
 * bounds with fewer than two rows of a class.
 */
export async function estimateAuc(scored: ScoredRows, { special, alpha, pause }: Options): Promise<Estimate> {
  const n = scored.labels.length;
  const components = await paused(scored, pause);
  if (components === null) return none(n);
  const method = scored.task === 'binary' ? 'DeLong, logit' : 'DeLong, macro, logit';
  const { area, rarest } = components;
  if (rarest < 2) return { value: area, n, lower: null, upper: null, method };
  const standardError = areaStandardError(components);
  if (area >= 1 || area <= 0 || standardError < noSpread)
    return { value: area, n, ...exactBounds(area, rarest, alpha), method };
  const logit = Math.log(area / (1 - area));
  const { lower, upper } = normalBounds(special, {
    value: logit,
    standardError: standardError / (area * (1 - area)),
    alpha,
  });
  return { value: area, n, lower: 1 / (1 + Math.exp(-lower)), upper: 1 / (1 + Math.exp(-upper)), method };
}

/**
 * The difference of two AUCs on the same rows with its bounds by DeLong's standard error, and its p value. Where the two order the rows alike there
 * is no spread; then the bound is exact: models that differ on a share d of pairs agree on k disjoint ones with probability (1 - d)^k at
 * most. Only a model that gives the same answers differs by nothing. No bounds with fewer than ten rows of a class that are ordered otherwise.
 */
export async function estimateAucDifference(
  { challenger, champion }: PairedRows,
  { special, alpha, pause }: Options,
): Promise<Estimate> {
  const n = challenger.labels.length;
  const ours = await paused(challenger, pause);
  const theirs = await paused(champion, pause);
  if (ours === null || theirs === null) return none(n);
  const value = ours.area - theirs.area;
  const method = challenger.task === 'binary' ? 'DeLong, paired' : 'DeLong, paired, macro';
  const unknown = { value, n, lower: null, upper: null, method };
  if (ours.rarest < 2) return unknown;
  const standardError = areaStandardError(ours, theirs);
  if (standardError < noSpread) {
    if (Math.abs(value) > noSpread) return unknown;
    const reach = answerAlike(challenger, champion) ? 0 : 1 - alpha ** (1 / ours.rarest);
    return { value, n, lower: 0 - reach, upper: reach, pValue: 1, method };
  }
  if (ours.rarest < fewestOfClass) return unknown;
  const pValue = 2 * special.normalCdf(-Math.abs(value / standardError));
  return { value, n, ...normalBounds(special, { value, standardError, alpha }), pValue, method };
}

function none(n: number): Estimate {
  return { value: null, n, lower: null, upper: null, method: 'none' };
}

async function paused(scores: ScoredRows, pause: Options['pause']): Promise<AreaComponents | null> {
  const work = areaSteps(scores);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** Nothing is known of an area whose rows all add the same, unless the order is perfect, or perfectly wrong. */
function exactBounds(area: number, pairs: number, alpha: number): Bounds {
  const reach = 1 - alpha ** (1 / pairs);
  return { lower: area >= 1 ? 1 - reach : 0, upper: area <= 0 ? reach : 1 };
}
