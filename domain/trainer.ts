import type { PackageFile, Signature } from './model-package.ts';
import type { DataSlice, ObjectPin } from './snapshot.ts';

/** Which trainer with which hyper-parameters: plain JSON. */
export type TrainerSpec = {
  readonly kind: 'dense';
  readonly hidden: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Width of the embedding of each category feature. */
  readonly embedding: number;
};

export type EpochMetrics = {
  readonly epoch: number;
  readonly loss: number;
  readonly rows: number;
  readonly elapsedMs: number;
};

/** A trained artifact before it has a version: its files lie under the run's folder. */
export type TrainedModel = {
  readonly model: string;
  readonly signature: Signature;
  readonly trainer: TrainerSpec;
  readonly seed: number;
  readonly data: DataSlice;
  readonly files: Readonly<Record<PackageFile, ObjectPin>>;
  readonly epochs: readonly EpochMetrics[];
  readonly elapsedMs: number;
};
