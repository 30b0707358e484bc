import type { Finding } from '../../domain/decision.ts';
import { isFairnessMetric } from '../../domain/evaluation/fairness.ts';
import type { Measurement, SliceMeasurement } from '../../domain/guardrail.ts';
import type { ModelCard } from '../../domain/model-card.ts';
import type { DataSlice } from '../../domain/snapshot.ts';

/** One measured number as a card shows it: a metric, or one slice of it. */
export type CardMetric = {
  readonly step: string;
  readonly metric: string;
  readonly slice: string | null;
  readonly value: string;
  readonly interval: string;
  readonly n: number;
  readonly verdict: string;
  /** How the interval was made and at which one-sided error; empty for a slice, which has its metric's. */
  readonly method: string;
};

/** All metrics of a card's decisions, each followed by its slices; of shadow and canary the last look counts. */
export function metricRows({ decisions }: Pick<ModelCard, 'decisions'>): readonly CardMetric[] {
  return decisions.flatMap(({ step, decision }) => decision.findings.flatMap((finding) => rowsOf(step, finding)));
}

function rowsOf(step: string, { guardrail, measurement, verdict }: Finding): readonly CardMetric[] {
  const compared = guardrail.rule === 'nonInferior' ? ' against the champion' : '';
  const by = guardrail.by === undefined ? '' : ` by ${guardrail.by}`;
  const metric = `${guardrail.metric}${by}${compared}`;
  const whole = { step, metric, slice: null, verdict };
  if (measurement === null) return [{ ...whole, value: 'not measured', interval: '', n: 0, method: '' }];
  const own = { ...whole, ...shown(measurement, measurement.unit), n: measurement.n, method: methodOf(measurement) };
  const slices = (measurement.slices ?? []).map((slice) => ({
    step,
    metric: `${sliceMetric(guardrail.metric, measurement)}${by}${compared}`,
    slice: slice.slice,
    ...shown(slice, measurement.unit),
    n: slice.n,
    verdict: '',
    method: '',
  }));
  return [own, ...slices];
}

/** What is measured in each slice: the metric itself, but of a fairness metric the rate that it compares, which its method names last. */
export function sliceMetric(metric: string, { method }: Pick<Measurement, 'method'>): string {
  if (!isFairnessMetric(metric)) return metric;
  return /, ([a-z ]+ rate)$/.exec(method ?? '')?.[1] ?? `rate of ${metric}`;
}

function methodOf({ method, alpha, holdoutUse }: Measurement): string {
  return [
    ...(method === undefined ? [] : [method]),
    ...(alpha === undefined ? [] : [`alpha ${figure(alpha)}`]),
    ...(holdoutUse === undefined ? [] : [`use ${holdoutUse} of the hold-out`]),
  ].join(', ');
}

function shown(
  { value, lower, upper }: Pick<SliceMeasurement, 'value' | 'lower' | 'upper'>,
  unit: Measurement['unit'],
): { readonly value: string; readonly interval: string } {
  const both = typeof lower === 'number' && typeof upper === 'number';
  return {
    value: value === null ? 'not measurable' : `${figure(value)}${unit === undefined ? '' : ` ${unit}`}`,
    interval: both ? `${figure(lower)} to ${figure(upper)}` : '',
  };
}

/** Five significant digits: more would look surer than it is. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(5)));
}

/** Which rows of which snapshot. */
export function sliceText({ snapshot, time, chance, rows }: DataSlice): string {
  const when =
    time === undefined
      ? ''
      : `, ${time.column}${time.from === undefined ? '' : ` from ${time.from}`}${time.before === undefined ? '' : ` before ${time.before}`}`;
  const part =
    chance === undefined ? '' : `, by chance ${figure(chance.from)} to ${figure(chance.before)} (seed ${chance.seed})`;
  return `${snapshot.dataset}@${snapshot.digest.slice(0, 12)}${when}${part}: ${rows} rows`;
}

/** The trainer in one line. */
export function trainerText({ lineage }: Pick<ModelCard, 'lineage'>): string {
  const { kind, ...settings } = lineage.trainer;
  return `${kind} ${JSON.stringify(settings)}, seed ${lineage.seed}`;
}
