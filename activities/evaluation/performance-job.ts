import type { CodedFailure } from '../../domain/failure.ts';
import type { ModelInput } from './packed-model.ts';

/** What a fresh process is told: which package, records to answer, and how much to do; null: only the first answer. */
export type PerformanceJob = {
  readonly packageFolder: string;
  readonly inputs: readonly ModelInput[];
  readonly load: {
    /** Answers of single rows that are timed at most. */
    readonly singles: number;
    /** Rows of a batch at most; 0: none is timed. */
    readonly batchRows: number;
    /** The longest that single rows, and then batches, are timed. */
    readonly mostMs: number;
  } | null;
};

/** What the process measured. */
export type PerformanceFigures = {
  /** Of each timed answer, in its order. */
  readonly latenciesMs: readonly number[];
  readonly batchedRows: number;
  readonly batchedMs: number;
  readonly residentBytes: number;
};

export type PerformanceMessage =
  | { readonly type: 'first' }
  | { readonly type: 'done'; readonly figures: PerformanceFigures }
  | { readonly type: 'failed'; readonly failure: CodedFailure };
