import type { RunKey, RunOutcome } from '../../domain/run.ts';
import type { MetricPoint, ParamValue } from '../../domain/trainer.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import type { StoredRun } from '../../stores/runs.ts';
import { sliceMetric } from '../model-card/rows.ts';

export type MlflowMetric = {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
};
export type MlflowPair = { readonly key: string; readonly value: string };

/** What one run of MLflow is told. */
export type MlflowRun = {
  readonly name: string;
  /** Finds it again, so that an export may be repeated. */
  readonly identity: string;
  readonly startTime: number;
  readonly endTime: number | null;
  readonly status: 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';
  readonly tags: readonly MlflowPair[];
  readonly params: readonly MlflowPair[];
  readonly metrics: readonly MlflowMetric[];
};

/** MLflow's own bounds. */
const longestParam = 6_000;
const longestTag = 5_000;

/** A run of a pipeline: its status, its environment, and what its decisions measured. */
export function pipelineRun({ start, outcome }: StoredRun): MlflowRun {
  const { environment } = start;
  return {
    name: start.workflowId,
    identity: start.runId,
    startTime: Date.parse(start.startedAt),
    endTime: outcome === null ? null : Date.parse(outcome.endedAt),
    status: statusOf(outcome),
    tags: tags({
      'mlflow.user': start.startedBy,
      'mlflow.source.name': start.pipeline,
      'mlflow.source.type': 'JOB',
      'mlflow.source.git.commit': environment.gitCommit,
      'perdura.outcome': outcome?.outcome ?? null,
      'perdura.reason': outcome?.reason ?? outcome?.error?.message ?? null,
      'perdura.version': environment.perdura,
      'perdura.bundleSha256': environment.bundleSha256,
      'perdura.lockfileSha256': environment.lockfileSha256,
    }),
    params: params(isPlain(start.input) ? start.input : { input: start.input as ParamValue }),
    metrics: outcome === null ? [] : decisionMetrics(outcome),
  };
}

/** Names a training in MLflow. */
export function trainingIdentity({ runId }: Pick<RunKey, 'runId'>, stepId: string): string {
  return `${runId}/${stepId}`;
}

/** One training of a run, below it. */
export function trainingRun(record: TrainingRecord, points: readonly MetricPoint[], parent: string): MlflowRun {
  const began = Date.parse(record.startedAt);
  return {
    name: `${record.run.workflowId} ${record.stepId}`,
    identity: trainingIdentity(record.run, record.stepId),
    startTime: began,
    endTime: Date.parse(record.endedAt),
    status: 'FINISHED',
    tags: tags({
      'mlflow.parentRunId': parent,
      'mlflow.source.name': record.features.pipeline,
      'mlflow.source.type': 'JOB',
      'mlflow.source.git.commit': record.environment.gitCommit,
      'perdura.model': record.model,
      'perdura.snapshot': `${record.data.snapshot.dataset}@${record.data.snapshot.digest}`,
      'perdura.featuresSha256': record.features.sha256,
      'perdura.cache': record.cache.why,
      'perdura.python': record.python?.digest ?? null,
      'perdura.cost': record.cost === null ? null : `${record.cost.amount} ${record.cost.currency}`,
    }),
    params: params({ ...record.trainer, seed: record.seed, target: record.target.sql, rows: record.rows.trained }),
    metrics: [
      ...points.map(({ name, step, value, elapsedMs }) => ({
        key: metricName(name),
        value,
        step,
        timestamp: Math.round(began + elapsedMs),
      })),
      ...Object.entries(record.usage).map(([name, value]) => ({
        key: metricName(`usage.${name}`),
        value,
        step: 0,
        timestamp: Date.parse(record.endedAt),
      })),
    ].filter(({ value }) => Number.isFinite(value)),
  };
}

function decisionMetrics({ decisions, endedAt }: RunOutcome): readonly MlflowMetric[] {
  const timestamp = Date.parse(endedAt);
  return decisions.flatMap(({ step, decision }) =>
    decision.findings.flatMap(({ guardrail, measurement }): readonly MlflowMetric[] => {
      if (measurement === null) return [];
      const compared = guardrail.rule === 'nonInferior' ? '.difference' : '';
      const name = `${step}.${guardrail.metric}${compared}`;
      const sliced = `${step}.${sliceMetric(guardrail.metric, measurement)}${compared}.${guardrail.by ?? 'slice'}`;
      const own =
        measurement.value === null ? [] : [{ key: metricName(name), value: measurement.value, step: 0, timestamp }];
      const slices = (measurement.slices ?? []).flatMap(({ slice, value }) =>
        value === null
          ? []
          : [{ key: metricName(`${sliced}.${slice.replaceAll('/', '-')}`), value, step: 0, timestamp }],
      );
      return [...own, ...slices];
    }),
  );
}

/** What MLflow allows in a name: anything else becomes a dash, and as a path it must be the shortest that there is. */
export function metricName(name: string): string {
  const allowed = name.replaceAll(/[^\w.\- /]/g, '-').slice(0, 250);
  const parts = allowed.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.length === 0 ? '-' : parts.join('/');
}

function statusOf(outcome: RunOutcome | null): MlflowRun['status'] {
  if (outcome === null) return 'RUNNING';
  return outcome.status === 'completed' ? 'FINISHED' : outcome.status === 'cancelled' ? 'KILLED' : 'FAILED';
}

function tags(values: Readonly<Record<string, string | null>>): readonly MlflowPair[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value: value.slice(0, longestTag) }],
  );
}

/** Nested settings as `params.num_leaves`. */
function params(values: { readonly [name: string]: unknown }, prefix = ''): readonly MlflowPair[] {
  return Object.entries(values).flatMap(([name, value]): readonly MlflowPair[] => {
    const key = metricName(`${prefix}${name}`);
    if (isPlain(value)) return params(value, `${prefix}${name}.`);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text === undefined ? [] : [{ key, value: text.slice(0, longestParam) }];
  });
}

function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
