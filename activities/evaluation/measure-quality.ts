import { fairness, groupCounts, isFairnessMetric } from '../../domain/evaluation/fairness.ts';
import { type Estimate, estimateDifference, estimateMetric } from '../../domain/evaluation/intervals.ts';
import { isMeasurable, isQualityMetric, type ScoredRows, selectRows } from '../../domain/evaluation/metrics.ts';
import type { Guardrail, Measurement, SliceMeasurement } from '../../domain/guardrail.ts';
import { alphaOfSlice, alphaOfUse } from '../../domain/statistics/error-spending.ts';
import { specialFunctions } from '../special-functions.ts';
import type { ScoredPair } from './pair-scores.ts';
import { namesBySlice, type Slice, slicesOf } from './slices.ts';

/** A hold-out scored by the challenger, and where there is something to compare with, by both; `use` counts its uses for the model, from 1. */
export type ScoredHoldOut = {
  readonly own: ScoredRows;
  readonly pair: ScoredPair | null;
  /** Values of the columns that guardrails cut by, one a row of `own`. */
  readonly by: Readonly<Record<string, readonly (string | null)[]>>;
  /** The same of rows that have an outcome but lack a field of the challenger's record: it cannot answer them. */
  readonly refused: Readonly<Record<string, readonly (string | null)[]>>;
  readonly use: number;
};

/** Lets the process beat and be cancelled during long computations. */
export type MeasuringOptions = { readonly pause: () => Promise<void> };

/** The error of bounds that no guardrail asks for: they stand in the report. */
const reportedAlpha = 0.05;
/** Of the resamples: the same hold-out and models give the same bounds. */
const bootstrapSeed = 7;

/**
 * Measures a hold-out for one guardrail. `atLeast` and `atMost` get the challenger's own value, `nonInferior` gets challenger less champion on
 * the rows of both, each with bounds at the guardrail's alpha, less what earlier uses of the hold-out and the number of slices cost.
 */
export async function measureQuality(
  guardrail: Guardrail,
  scored: ScoredHoldOut,
  options: MeasuringOptions,
): Promise<Measurement> {
  const { metric } = guardrail;
  if (metric === 'rows') return countRows(guardrail, scored);
  if (isFairnessMetric(metric)) return compareGroups(guardrail, scored);
  const subject = subjectOf(guardrail, scored);
  if (subject === null) return { metric, value: null, n: scored.own.labels.length, lower: null, upper: null };
  const cut = cutOf(guardrail, scored, subject.places);
  const absent = absentSlices(guardrail, scored, cut);
  const parts = new Set([
    ...cut.map(({ name }) => name),
    ...absent.map(({ slice }) => slice),
    ...(guardrail.slices ?? []),
  ]).size;
  const alpha = alphaOfSlice(alphaOfUse(guardrail.alpha ?? reportedAlpha, scored.use), parts);
  const bounds = { special: specialFunctions, alpha, seed: bootstrapSeed, pause: options.pause };
  const overall = await subject.estimate(null, bounds);
  const slices: SliceMeasurement[] = [];
  for (const { name, rows } of cut) {
    await options.pause();
    const { value, n, lower, upper } = await subject.estimate(rows, bounds);
    slices.push({ slice: name, value, n, lower, upper });
  }
  const { unanswered = 0 } = guardrail.rule === 'nonInferior' ? (scored.pair ?? {}) : {};
  return {
    metric,
    ...overall,
    alpha,
    holdoutUse: scored.use,
    ...(unanswered === 0 ? {} : { unanswered }),
    ...(guardrail.by === undefined ? {} : { slices: byName([...slices, ...absent]) }),
  };
}

type Bounds = Parameters<typeof estimateMetric>[2];

/** What is estimated, of all rows or of some; `places` are its rows among the challenger's, null where they are all of them. */
type Subject = {
  readonly places: Uint32Array | null;
  readonly estimate: (rows: Uint32Array | null, bounds: Bounds) => Promise<Estimate>;
};

function subjectOf(guardrail: Guardrail, { own, pair }: ScoredHoldOut): Subject | null {
  const { metric } = guardrail;
  if (!isQualityMetric(metric)) return null;
  const asked = (scored: ScoredRows, rows: Uint32Array | null): ScoredRows => {
    const { threshold = scored.threshold, quantile = scored.quantile } = guardrail;
    return { ...(rows === null ? scored : selectRows(scored, rows)), threshold, quantile };
  };
  if (guardrail.rule !== 'nonInferior')
    return { places: null, estimate: (rows, bounds) => estimateMetric(metric, asked(own, rows), bounds) };
  if (pair === null) return null;
  const { challenger, champion, rows: places } = pair;
  return {
    places,
    estimate: (rows, bounds) =>
      estimateDifference(metric, { challenger: asked(challenger, rows), champion: asked(champion, rows) }, bounds),
  };
}

/** The slices of a guardrail; none where it has no column. */
function cutOf(guardrail: Guardrail, { by }: ScoredHoldOut, places: Uint32Array | null): readonly Slice[] {
  if (guardrail.by === undefined) return [];
  const values = by[guardrail.by] ?? [];
  return slicesOf(places === null ? values : Array.from(places, (place) => values[place] ?? null), guardrail);
}

/**
 * Slices that the hold-out has and that could not be measured: none of their rows was answered, or not by both models. Silence about them
 * would pass.
 */
function absentSlices(
  guardrail: Guardrail,
  { by: values, refused }: ScoredHoldOut,
  cut: readonly Slice[],
): readonly SliceMeasurement[] {
  const { by } = guardrail;
  if (by === undefined) return [];
  const there = slicesOf([...(values[by] ?? []), ...(refused[by] ?? [])], guardrail);
  const measured = new Set(cut.map(({ name }) => name));
  return there
    .filter(({ name }) => !measured.has(name))
    .map(({ name }) => ({ slice: name, value: null, n: 0, lower: null, upper: null }));
}

function byName(slices: readonly SliceMeasurement[]): readonly SliceMeasurement[] {
  return slices.toSorted((a, b) => (a.slice < b.slice ? -1 : 1));
}

/** Bounds hold over all pairs of groups together, so the number of groups costs nothing more. */
function compareGroups(guardrail: Guardrail, scored: ScoredHoldOut): Measurement {
  const { metric } = guardrail;
  const { own, use } = scored;
  if (!isFairnessMetric(metric)) return { metric, value: null, n: 0 };
  const cut = cutOf(guardrail, scored, null);
  const groups = namesBySlice(cut, own.labels.length);
  const alpha = alphaOfUse(guardrail.alpha ?? reportedAlpha, use);
  const counts = groupCounts({ ...own, threshold: guardrail.threshold ?? own.threshold }, groups);
  const { slices, ...compared } = fairness(metric, counts, { special: specialFunctions, alpha });
  const unknown = isMeasurable(own) ? {} : { value: null, lower: null, upper: null };
  const absent = absentSlices(guardrail, scored, cut);
  return { metric, ...compared, ...unknown, slices: byName([...slices, ...absent]), alpha, holdoutUse: use };
}

function countRows(guardrail: Guardrail, scored: ScoredHoldOut): Measurement {
  const n = scored.own.labels.length;
  const cut = cutOf(guardrail, scored, null);
  const counted = cut.map(({ name, rows }) => ({ slice: name, value: rows.length, n: rows.length }));
  const slices = byName([...counted, ...absentSlices(guardrail, scored, cut)]);
  return { metric: 'rows', value: n, n, unit: 'rows', ...(guardrail.by === undefined ? {} : { slices }) };
}
