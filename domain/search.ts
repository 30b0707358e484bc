import type { RunKey } from './run.ts';
import type { Duration } from './duration.ts';
import type { Checkpoint, ParamValue } from './trainer.ts';

/** One hyper-parameter and where it may lie. `log`: evenly over orders of magnitude. Bounds belong to it. */
export type Dimension =
  | { readonly kind: 'float'; readonly from: number; readonly to: number; readonly log: boolean }
  | { readonly kind: 'integer'; readonly from: number; readonly to: number; readonly log: boolean }
  | { readonly kind: 'choice'; readonly values: readonly ParamValue[] };

export type SearchSpace = Readonly<Record<string, Dimension>>;
export type SearchParams = Readonly<Record<string, ParamValue>>;

/**
 * How trials are chosen.
 * - `random`: uniform over the space. `sobol`: a scrambled Sobol sequence, which leaves no gaps.
 * - `tpe`: tree-structured Parzen estimator (Bergstra et al. 2011), after `startup` random trials.
 * - `asha`: successive halving, asynchronous (Li et al. 2020): every trial trains `firstRung` epochs and waits at its checkpoint; the best
 *   `1 / reduction` of a rung go on from it for `reduction` times as long, up to `lastRung` epochs.
 */
export type SearchStrategy =
  | { readonly kind: 'random' }
  | { readonly kind: 'sobol' }
  | { readonly kind: 'tpe'; readonly startup: number; readonly candidates: number }
  | {
      readonly kind: 'asha';
      readonly firstRung: number;
      readonly lastRung: number;
      readonly reduction: number;
      readonly proposals: 'random' | 'sobol' | 'tpe';
    };

/** What a search may use; at least one of them. None can be passed: a trial that would is ended. `cost` is in the price table's currency. */
export type SearchBudget = { readonly trials?: number; readonly time?: Duration; readonly cost?: number };

export type SearchObjective = { readonly metric: string; readonly direction: 'higher' | 'lower' };

/** One trial as far as it came. */
export type Trial = {
  /** From 0, in the order of proposals. */
  readonly number: number;
  readonly params: SearchParams;
  /** Epochs trained so far, of all rungs; null: the trainer has no notion of them. */
  readonly epochs: number | null;
  readonly rung: number;
  /** `paused`: waits at its checkpoint for a promotion that did not come. `stopped`: the budget was used up. */
  readonly status: 'finished' | 'paused' | 'failed' | 'stopped';
  /** The objective on the validation rows; null: it failed or was stopped. */
  readonly score: number | null;
  readonly reason: string | null;
  readonly elapsedMs: number;
  readonly cost: number | null;
  readonly checkpoint: Checkpoint | null;
};

/** What a search found; `best` null: no trial has a score. */
export type SearchResult = {
  readonly best: { readonly number: number; readonly params: SearchParams; readonly score: number } | null;
  readonly trials: readonly Trial[];
  readonly spent: { readonly trials: number; readonly elapsedMs: number; readonly cost: number | null };
  /** Which part of the budget ended it, in a sentence. */
  readonly endedBy: string;
};

/** `search.json`: what was searched, and what became of every trial, those that failed or were stopped included. */
export type SearchRecord = SearchResult & {
  readonly run: RunKey;
  readonly stepId: string;
  readonly model: string;
  readonly space: SearchSpace;
  readonly strategy: SearchStrategy;
  readonly budget: SearchBudget;
  readonly objective: SearchObjective;
  readonly parallel: number;
  readonly seed: number;
  /** Of the costs; null: the budget names no money. */
  readonly currency: string | null;
};
