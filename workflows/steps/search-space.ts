import type { Dimension, SearchStrategy } from '../../domain/search.ts';
import type { ParamValue } from '../../domain/trainer.ts';

/** A number between two bounds, both included. `log` spreads it over orders of magnitude: a learning rate. */
export function float(from: number, to: number, options: { readonly log?: boolean } = {}): Dimension {
  return { kind: 'float', from, to, log: options.log ?? false };
}

/** A whole number between two bounds, both included. */
export function integer(from: number, to: number, options: { readonly log?: boolean } = {}): Dimension {
  return { kind: 'integer', from, to, log: options.log ?? false };
}

/** One of these values. */
export function choice(values: readonly ParamValue[]): Dimension {
  return { kind: 'choice', values };
}

/** Trials anywhere in the space. */
export function random(): SearchStrategy {
  return { kind: 'random' };
}

/** Trials spread evenly over the space, whatever their number. */
export function sobol(): SearchStrategy {
  return { kind: 'sobol' };
}

/** Trials where earlier ones were good, after `startup` random ones. */
export function tpe(options: { readonly startup?: number; readonly candidates?: number } = {}): SearchStrategy {
  return { kind: 'tpe', startup: options.startup ?? 10, candidates: options.candidates ?? 24 };
}

/** Many trials of few epochs, of which the best go on from their checkpoints: successive halving. The trainer must write checkpoints. */
export function asha(options: {
  readonly firstRung: number;
  readonly lastRung: number;
  readonly reduction?: number;
  readonly proposals?: 'random' | 'sobol' | 'tpe';
}): SearchStrategy {
  const { firstRung, lastRung } = options;
  return {
    kind: 'asha',
    firstRung,
    lastRung,
    reduction: options.reduction ?? 3,
    proposals: options.proposals ?? 'random',
  };
}
