import { durationMs } from '../duration.ts';
import { CodedError } from '../errors.ts';
import type { Dimension, SearchBudget, SearchSpace, SearchStrategy } from '../search.ts';
import { sobolDirections } from './sobol-directions.ts';

/** What a search is asked, as far as it can be wrong. */
export type SearchQuestion = {
  readonly space: SearchSpace;
  readonly strategy: SearchStrategy;
  readonly budget: SearchBudget;
  readonly parallel: number;
};

/**
 * Refuses a search that cannot be run, all problems at once, before the first trial.
 *
 * @throws CodedError INPUT_INVALID.
 */
export function requireSoundSearch({ space, strategy, budget, parallel }: SearchQuestion): void {
  const dimensions = Object.entries(space);
  const problems = [
    ...(dimensions.length === 0 ? ['the space is empty'] : []),
    ...dimensions.flatMap(([name, dimension]) => dimensionProblems(name, dimension)),
    ...strategyProblems(strategy, dimensions.length),
    ...budgetProblems(budget),
    ...(isWhole(parallel, 1) ? [] : [`parallel must be a whole number from 1, got ${parallel}`]),
  ];
  if (problems.length > 0) throw new CodedError('INPUT_INVALID', `The search cannot be run: ${problems.join('; ')}.`);
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
  const kind = strategy.kind === 'asha' ? strategy.proposals : strategy.kind;
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

function budgetProblems({ trials, time, cost }: SearchBudget): readonly string[] {
  return [
    ...(trials === undefined && time === undefined && cost === undefined
      ? ['the budget is empty: give trials, time or cost']
      : []),
    ...(trials === undefined || isWhole(trials, 1) ? [] : [`trials must be a whole number from 1, got ${trials}`]),
    ...(time === undefined || durationMs(time) > 0 ? [] : ['time must be above 0']),
    ...(cost === undefined || (Number.isFinite(cost) && cost > 0) ? [] : [`cost must be above 0, got ${cost}`]),
  ];
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
