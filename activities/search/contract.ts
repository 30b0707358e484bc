import type { ProposalRequest } from '../../domain/search/propose.ts';
import type { SearchObjective, SearchParams, SearchRecord } from '../../domain/search.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { TrainedModel } from '../../domain/trainer.ts';

/**
 * What a trial is worth; `score` null: the objective cannot be measured on these rows. `cost` null: the project has no price table; it is
 * that of the last of `attempts` alone, because one that was killed left no record.
 */
export type TrialScore = {
  readonly score: number | null;
  readonly rows: number;
  readonly cost: number | null;
  readonly attempts: number;
};

/** What the most expensive second of a training can cost: every core of the machine and its dearest device. */
export type DearestPrice = { readonly currency: string; readonly hour: number };

/** What a search asks beside its trainings. */
export type SearchActivities = {
  /** The hyper-parameters of a trial. Reads nothing: the same request gives the same answer. */
  proposeTrial(request: ProposalRequest): Promise<SearchParams>;
  /** Measures the objective of a trained model on the validation rows, and what the training cost. Reads only. */
  scoreTrial(request: {
    readonly trained: TrainedModel;
    readonly validation: DataSlice;
    readonly objective: SearchObjective;
  }): Promise<TrialScore>;
  /** Null: the project has no price table. */
  readDearestPrice(): Promise<DearestPrice | null>;
  /** Keeps what the search found with the run. Idempotent by run and step. */
  keepSearch(record: SearchRecord): Promise<void>;
};
