import { durationMs } from '../duration.ts';
import { CodedError } from '../errors.ts';
import type { Dimension, SearchBudget, SearchObjective, SearchSpace, SearchStrategy } from '../search.ts';
import type { Task } from '../target.ts';
import { isQualityMetric, qualityMetrics } from '../evaluation/metrics.ts';
import { sobolDirections } from './sobol-directions.ts';

/** What a search is asked, as far as it can be wrong. */
export type SearchQuestion = {
  readonly space: SearchSpace;
  readonly strategy: SearchStrategy;
  readonly budget: SearchBudget;
  readonly parallel: number;
  readonly objective: SearchObjective;
  readonly target: { readonly task: Task };
};

/** Every trial stands in the workflow's history, and with it what the Parzen estimator learned from: that may hold 50 MB. */
const mostTrials = 1_000;
const mostLearned = 500;

/**
 * Refuses a search that cannot be run, all problems at once, before the first trial.
 *
 * @throws CodedError INPUT_INVALID.
 */
export function requireSoundSearch(question: SearchQuestion): void {
  const { space, strategy, budget, parallel } = question;
  const dimensions = Object.entries(space);
  const problems = [
    ...(dimensions.length === 0 ? ['the space is empty'] : []),
    ...dimensions.flatMap(([name, dimension]) => dimensionProblems(name, dimension)),
    ...strategyProblems(strategy, dimensions.length),
    ...objectiveProblems(question),
    ...budgetProblems(budget, mostTrialsOf(strategy)),
    ...(isWhole(parallel, 1) ? [] : [`parallel must be a whole number from 1, got ${parallel}`]),
  ];
  if (problems.length > 0) throw new CodedError('INPUT_INVALID', `The search cannot be run: ${problems.join('; ')}.`);
}

/** How many trials one search can have, whatever its budget: a longer history would end the whole run. */
export function mostTrialsOf(strategy: SearchStrategy): number {
  return proposalsOf(strategy) === 'tpe' ? mostLearned : mostTrials;
}

/** How a strategy chooses the hyper-parameters of a new trial. */
export function proposalsOf(strategy: SearchStrategy): 'random' | 'sobol' | 'tpe' {
  return strategy.kind === 'asha' ? strategy.proposals : strategy.kind;
}

/** A metric that the task does not have would make every trial fail, each after its training. */
function objectiveProblems({ objective: { metric, direction }, target: { task } }: SearchQuestion): readonly string[] {
  const known = Object.entries(qualityMetrics).flatMap(([name, { tasks }]) => (tasks.includes(task) ? [name] : []));
  if (!isQualityMetric(metric) || !known.includes(metric))
    return [`a ${task} target cannot go by '${metric}', use one of ${known.join(', ')}`];
  const { better } = qualityMetrics[metric];
  return direction === better ? [] : [`of ${metric} ${better} is better, and the objective asks for ${direction}`];
}

function dimensionProblems(name: string, dimension: Dimension): readonly string[] {
  if (dimension.kind === 'choice') return dimension.values.length > 0 ? [] : [`'${name}' has no values to choose from`];
  const { from, to, log, kind } = dimension;
  if (!(Number.isFinite(from) && Number.isFinite(to) && from <= to))
    return [`'${name}' must go from a number to a larger one`];
  if (kind === 'integer' && !(Number.isSafeInteger(from) && Number.isSafeInteger(to)))
    return [`'${name}' must go from a whole number to another`];
  return log && from <= 0 ? [`'${name}' is spread over orders of magnitude and must begin above 0`] : [];
}

function strategyProblems(strategy: SearchStrategy, dimensions: number): readonly string[] {
  const kind = proposalsOf(strategy);
  const most = sobolDirections.length + 1;
  const wide = kind === 'sobol' && dimensions > most ? [`a Sobol sequence has at most ${most} hyper-parameters`] : [];
  if (strategy.kind !== 'asha') return wide;
  const { firstRung, lastRung, reduction } = strategy;
  return [
    ...wide,
    ...(isWhole(firstRung, 1) && isWhole(lastRung, firstRung)
      ? []
      : [`rungs must go from a whole number of epochs to a larger one, got ${firstRung} to ${lastRung}`]),
    ...(isWhole(reduction, 2) ? [] : [`reduction must be a whole number from 2, got ${reduction}`]),
  ];
}

function budgetProblems({ trials, time, cost }: SearchBudget, most: number): readonly string[] {
  return [
    ...(trials === undefined && time === undefined && cost === undefined
      ? ['the budget is empty: give trials, time or cost']
      : []),
    ...(trials === undefined || (isWhole(trials, 1) && trials <= most)
      ? []
      : [`trials must be a whole number from 1 to ${most}, got ${trials}`]),
    ...(time === undefined || durationMs(time) > 0 ? [] : ['time must be above 0']),
    ...(cost === undefined || (Number.isFinite(cost) && cost > 0) ? [] : [`cost must be above 0, got ${cost}`]),
  ];
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
