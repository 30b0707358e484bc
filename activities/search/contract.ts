import type { ProposalRequest } from '../../domain/search/propose.ts';
import type { SearchObjective, SearchParams } from '../../domain/search.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { TrainedModel } from '../../domain/trainer.ts';

/** What a trial is worth; `score` null: the objective cannot be measured on these rows. `cost` null: the project has no price table. */
export type TrialScore = { readonly score: number | null; readonly rows: number; readonly cost: number | null };

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
};
