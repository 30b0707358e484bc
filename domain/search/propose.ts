import type { Dimension, SearchObjective, SearchParams, SearchSpace, SearchStrategy } from '../search.ts';
import type { ParamValue } from '../trainer.ts';
import { valueAt } from './dimension.ts';
import { bitsOf, uniformDraw } from './draw.ts';
import { proposalsOf } from './sound-search.ts';
import { sobolPoint } from './sobol.ts';
import { proposeByTpe } from './tpe.ts';

/** A trial that a proposal may learn from: how its objective came out. */
export type ScoredTrial = { readonly params: SearchParams; readonly score: number };

export type ProposalRequest = {
  readonly space: SearchSpace;
  readonly strategy: SearchStrategy;
  readonly objective: SearchObjective;
  readonly seed: number;
  /** The trial's number, from 0. */
  readonly trial: number;
  /** Trials whose results may be seen, in order of their numbers. */
  readonly scored: readonly ScoredTrial[];
};

/**
 * The hyper-parameters of a trial: a pure function of the request, so that the same search gives the same trials. Runs in an activity,
 * because logarithms may differ in their last bit between versions of Node.
 *
 * @throws CodedError INPUT_INVALID for a space that is too wide for a Sobol sequence.
 */
export function proposeTrial(request: ProposalRequest): SearchParams {
  const { strategy } = request;
  const kind = proposalsOf(strategy);
  // Names in order: a search must not depend on how its author ordered the space.
  const names = Object.keys(request.space).toSorted();
  switch (kind) {
    case 'random':
      return paramsAt(request, names, (dimension) => uniform(request, dimension));
    case 'sobol': {
      const shift = names.map((_, dimension) => bitsOf({ seed: request.seed, trial: 0, dimension, draw: 0 }, 3) >>> 2);
      const point = sobolPoint(request.trial, shift);
      return paramsAt(request, names, (dimension) => point[dimension] ?? 0);
    }
    case 'tpe': {
      const startup = strategy.kind === 'tpe' ? strategy.startup : 10;
      if (request.scored.length < startup) return paramsAt(request, names, (dimension) => uniform(request, dimension));
      const candidates = strategy.kind === 'tpe' ? strategy.candidates : 24;
      return proposeByTpe(request, names, candidates);
    }
    default:
      return kind satisfies never;
  }
}

function uniform({ seed, trial }: ProposalRequest, dimension: number): number {
  return uniformDraw({ seed, trial, dimension, draw: 0 });
}

function paramsAt(
  { space }: ProposalRequest,
  names: readonly string[],
  placeAt: (dimension: number) => number,
): SearchParams {
  return Object.fromEntries(
    names.flatMap((name, index): readonly (readonly [string, ParamValue])[] => {
      const dimension: Dimension | undefined = space[name];
      return dimension === undefined ? [] : [[name, valueAt(dimension, placeAt(index))]];
    }),
  );
}
