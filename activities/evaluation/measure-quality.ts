import { fairness, groupCounts, isFairnessMetric } from '../../domain/evaluation/fairness.ts';
import { type Estimate, estimateDifference, estimateMetric } from '../../domain/evaluation/intervals.ts';
import { isQualityMetric, type ScoredRows, selectRows } from '../../domain/evaluation/metrics.ts';
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
  const parts = new Set([...cut.map(({ name }) => name), ...(guardrail.slices ?? [])]).size;
  const alpha = alphaOfSlice(alphaOfUse(guardrail.alpha ?? reportedAlpha, scored.use), parts);
  const bounds = { special: specialFunctions, alpha, seed: bootstrapSeed, pause: options.pause };
  const overall = await subject.estimate(null, bounds);
  const slices: SliceMeasurement[] = [];
  for (const { name, rows } of cut) {
    await options.pause();
    const { value, n, lower, upper } = await subject.estimate(rows, bounds);
    slices.push({ slice: name, value, n, lower, upper });
  }
  return { metric, ...overall, alpha, holdoutUse: scored.use, ...(guardrail.by === undefined ? {} : { slices }) };
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

/** Bounds hold over all pairs of groups together, so the number of groups costs nothing more. */
function compareGroups(guardrail: Guardrail, scored: ScoredHoldOut): Measurement {
  const { metric } = guardrail;
  const { own, use } = scored;
  if (!isFairnessMetric(metric)) return { metric, value: null, n: 0 };
  const groups = namesBySlice(cutOf(guardrail, scored, null), own.labels.length);
  const alpha = alphaOfUse(guardrail.alpha ?? reportedAlpha, use);
  const counts = groupCounts({ ...own, threshold: guardrail.threshold ?? own.threshold }, groups);
  return { metric, ...fairness(metric, counts, { special: specialFunctions, alpha }), alpha, holdoutUse: use };
}

function countRows(guardrail: Guardrail, scored: ScoredHoldOut): Measurement {
  const n = scored.own.labels.length;
  const slices = cutOf(guardrail, scored, null).map(({ name, rows }) => ({
    slice: name,
    value: rows.length,
    n: rows.length,
  }));
  return { metric: 'rows', value: n, n, unit: 'rows', ...(guardrail.by === undefined ? {} : { slices }) };
}
