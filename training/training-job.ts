import type { CodedFailure } from '../domain/failure.ts';
import type { PackageFile, Signature } from '../domain/model-package.ts';
import type { Target } from '../domain/target.ts';
import type { EpochMetrics, TrainerSpec } from '../domain/trainer.ts';

/** What a trainer is told: plain JSON, because it crosses a process border. */
export type TrainingJob = {
  readonly parquetFiles: readonly string[];
  /** The dataset that the files are of; aggregates must be of the same. */
  readonly dataset: string;
  /** SQL condition on the files' columns, or `true` for all rows. */
  readonly where: string;
  /** The bundled features.mjs; it is copied into the package as it is. */
  readonly featuresFile: string;
  readonly target: Target;
  readonly trainer: TrainerSpec;
  readonly seed: number;
  /** Receives the four package files; it is made when it does not exist. */
  readonly outputFolder: string;
};

/** What a trainer hands back: local paths of the package's files. `rows.skipped` lacked a label or a field of the record. */
export type TrainingResult = {
  readonly files: Readonly<Record<PackageFile, string>>;
  readonly signature: Signature;
  readonly epochs: readonly EpochMetrics[];
  readonly rows: { readonly trained: number; readonly skipped: number };
};

/** What the trainer's process tells its parent. */
export type TrainerMessage =
  | { readonly type: 'epoch'; readonly epoch: EpochMetrics }
  | { readonly type: 'done'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly failure: CodedFailure };
