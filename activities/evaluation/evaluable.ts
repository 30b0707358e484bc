import { CodedError } from '../../domain/errors.ts';
import { fairnessMetrics, isFairnessMetric } from '../../domain/evaluation/fairness.ts';
import { isQualityMetric, qualityMetrics } from '../../domain/evaluation/metrics.ts';
import type { BehaviourCases, Guardrail } from '../../domain/guardrail.ts';
import { type MetricRules, requireKnown } from '../../domain/metric-rules.ts';
import type { Signature } from '../../domain/model-package.ts';
import type { Task } from '../../domain/target.ts';
import { isPerformanceMetric } from './measure-performance.ts';

/** More records of a hold-out than these are not tried. */
const mostSampled = 10_000;
const behaviourKinds: readonly string[] = [
  'invariant',
  'directional',
  'minimumFunctionality',
] satisfies readonly BehaviourCases['kind'][];

/** What can be measured before a release, and the rules that it can be held to. */
export const offlineMetrics: MetricRules = {
  ...Object.fromEntries(Object.keys(qualityMetrics).map((metric) => [metric, ['atLeast', 'atMost', 'nonInferior']])),
  ...Object.fromEntries(Object.keys(fairnessMetrics).map((metric) => [metric, ['atLeast', 'atMost']])),
  ...Object.fromEntries(behaviourKinds.map((metric) => [metric, ['atLeast']])),
  throughput: ['atLeast'],
  latencyP50: ['atMost'],
  latencyP95: ['atMost'],
  latencyP99: ['atMost'],
  coldStart: ['atMost'],
  residentMemory: ['atMost'],
  fileSize: ['atMost'],
  rows: ['atLeast', 'atMost'],
};

/** Whether a metric is one of behaviour. */
export function isBehaviourMetric(metric: string): boolean {
  return behaviourKinds.includes(metric);
}

/**
 * Refuses guardrails that an evaluation cannot measure, before a row is read: one that is left out would be inconclusive after hours.
 *
 * @throws CodedError INPUT_INVALID naming the guardrail and what is wrong with it.
 */
export function requireEvaluable(guardrails: readonly Guardrail[]): void {
  requireKnown('The offline evaluation', offlineMetrics, guardrails);
  for (const guardrail of guardrails) {
    const problem =
      narrowingProblem(guardrail) ?? numberProblem(guardrail) ?? countProblem(guardrail) ?? casesProblem(guardrail);
    if (problem !== null) throw refused(guardrail, problem);
  }
}

/**
 * Refuses guardrails that do not fit what the model answers.
 *
 * @throws CodedError INPUT_INVALID naming the guardrail and the tasks that it is for.
 */
export function requireFitting(guardrails: readonly Guardrail[], signature: Signature): void {
  const { task } = signature.target;
  for (const guardrail of guardrails) {
    const tasks = tasksOf(guardrail);
    if (!tasks.includes(task))
      throw refused(guardrail, `is for ${tasks.join(' and ')} models, and this one is ${task}`);
    if (guardrail.threshold !== undefined && task !== 'binary')
      throw refused(guardrail, `has a threshold, and this model is ${task}: its answer is the most likely class`);
    const unknown = unknownClass(guardrail, signature);
    if (unknown !== null) throw refused(guardrail, unknown);
  }
}

function tasksOf({ metric }: Guardrail): readonly Task[] {
  if (isQualityMetric(metric)) return qualityMetrics[metric].tasks;
  if (isFairnessMetric(metric)) return ['binary'];
  return metric === 'directional' ? ['binary', 'regression'] : ['binary', 'multiclass', 'regression'];
}

function unknownClass({ cases }: Guardrail, { target, classes = [] }: Signature): string | null {
  if (cases?.kind !== 'minimumFunctionality') return null;
  for (const { expect } of cases.examples) {
    if (target.task !== 'multiclass' && expect.class !== undefined)
      return `expects a class, and this model is ${target.task}: expect 'atLeast' or 'atMost'`;
    if (target.task === 'multiclass' && expect.class === undefined)
      return "expects limits without a class: name the 'class' that they are for";
    if (expect.class !== undefined && !classes.includes(expect.class))
      return `expects the class '${expect.class}', which the model does not know: ${classes.join(', ')}`;
  }
  return null;
}

/** What a metric cannot be cut by. */
function narrowingProblem(guardrail: Guardrail): string | null {
  const { metric, by, slices, poolBelow, threshold, quantile, cases } = guardrail;
  const cut = isQualityMetric(metric) || isFairnessMetric(metric) || metric === 'rows';
  if (by !== undefined && !cut) return "has no slices: leave 'by' out";
  if (by === undefined && isFairnessMetric(metric)) return "lacks 'by': name the column whose values are the groups";
  if (by === undefined && (slices !== undefined || poolBelow !== undefined)) return "has slices without 'by'";
  const thresholded = isFairnessMetric(metric) || metric === 'f1' || metric === 'accuracy';
  if (threshold !== undefined && !thresholded) return "has no threshold: leave 'threshold' out";
  if (quantile !== undefined && metric !== 'quantileLoss') return "has no quantile: leave 'quantile' out";
  if (quantile === undefined && metric === 'quantileLoss') return "lacks 'quantile'";
  if (cases !== undefined && cases.kind !== metric) return `has cases of the kind '${cases.kind}'`;
  return cases === undefined && isBehaviourMetric(metric) ? "lacks 'cases'" : null;
}

function numberProblem(guardrail: Guardrail): string | null {
  const { metric, rule, alpha, threshold, quantile } = guardrail;
  const bounded = isQualityMetric(metric) || isFairnessMetric(metric);
  if (alpha !== undefined && !bounded) return "has no confidence bounds: leave 'alpha' out";
  if (alpha !== undefined && !(alpha > 0 && alpha < 0.5))
    return `has an alpha of ${alpha}: it must be above 0 and below 0.5`;
  if (threshold !== undefined && !(threshold > 0 && threshold < 1))
    return `has a threshold of ${threshold}: it must be above 0 and below 1`;
  if (quantile !== undefined && !(quantile > 0 && quantile < 1))
    return `has a quantile of ${quantile}: it must be above 0 and below 1`;
  const limit = rule === 'nonInferior' ? guardrail.margin : rule === 'noAlarm' ? 0 : guardrail.limit;
  if (!Number.isFinite(limit)) return `has a limit that is no number, ${limit}`;
  if (rule !== 'nonInferior' || !isQualityMetric(metric)) return null;
  const { better } = qualityMetrics[metric];
  return guardrail.better === better ? null : `says that ${guardrail.better} is better: of ${metric} ${better} is`;
}

/** A number that is none travels as null, which later would be taken for the default. */
function countProblem({ minimum, poolBelow }: Guardrail): string | null {
  const [name, wrong] = Object.entries({ minimum, poolBelow }).find(
    ([, count]) => count !== undefined && !(Number.isInteger(count) && count >= 0),
  ) ?? [''];
  return name === '' ? null : `has a ${name} of ${wrong}: it must be a whole number`;
}

function casesProblem({ cases }: Guardrail): string | null {
  if (cases === undefined) return null;
  if (cases.kind === 'minimumFunctionality') {
    const empty = cases.examples.findIndex(
      ({ expect: { atLeast, atMost, class: named } }) =>
        named === undefined && !Number.isFinite(atLeast) && !Number.isFinite(atMost),
    );
    return empty === -1
      ? null
      : `has cases, of which example ${empty + 1} expects nothing. Name a class, 'atLeast' or 'atMost'`;
  }
  if (cases.kind === 'invariant' && !(cases.tolerance >= 0))
    return `has a tolerance of ${cases.tolerance}: it must be 0 or more`;
  if (!('sample' in cases.of)) return null;
  const { sample } = cases.of;
  return Number.isInteger(sample) && sample >= 1 && sample <= mostSampled
    ? null
    : `asks for a sample of ${sample} records: it must be a whole number from 1 to ${mostSampled}`;
}

function refused({ metric, rule }: Guardrail, problem: string): CodedError {
  return new CodedError('INPUT_INVALID', `Guardrail '${metric}' ${problem}.`, { details: { metric, rule } });
}

/** Whether a guardrail needs the hold-out's outcomes. */
export function needsOutcomes({ metric }: Guardrail): boolean {
  return !isPerformanceMetric(metric) && !isBehaviourMetric(metric);
}
