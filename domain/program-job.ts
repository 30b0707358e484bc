import type { Task } from './target.ts';
import type { TrainerParams } from './trainer.ts';

/** `job.json`: what a program or activity trainer is told. All paths are absolute. docs/reference/program-trainer.md is its contract. */
export type ProgramJob = {
  readonly version: 1;
  readonly task: Task;
  /** Name of the target: the label's column is `data.label`. */
  readonly target: string;
  /** Of a multiclass target: the classes that the training data holds, sorted, in the order of the model's output columns; else null. */
  readonly classes: readonly string[] | null;
  readonly params: TrainerParams;
  readonly seed: number;
  readonly data: ProgramData;
  /** An empty folder that receives `model.onnx`, `check-predictions.json` and `artifacts/`. */
  readonly output: string;
  /** A folder that checkpoints are written to. */
  readonly checkpoints: string;
  /** What to go on from; null: begin. */
  readonly resume: { readonly step: number; readonly file: string } | null;
  readonly threads: number;
  /** UUIDs of the devices that may be used; empty: CPU only. */
  readonly devices: readonly string[];
};

/** Parquet files of features (numbers FLOAT, categories VARCHAR, none null), in the order of the data. */
export type ProgramData = {
  /** Features and label (binary BOOLEAN, multiclass VARCHAR, regression DOUBLE). */
  readonly training: string;
  /** Up to 1,000 evenly spaced rows of it, without the label. */
  readonly check: string;
  /** Of the training file. */
  readonly rows: number;
  /** Names of the number features, in the order of the model's input `numbers`. */
  readonly numbers: readonly string[];
  /** Names of the category features, in the order of the model's input `categories`. */
  readonly categories: readonly string[];
  readonly label: string;
};

/** What a trainer says while it works. */
export type ProgramReport =
  | { readonly perdura: 'metric'; readonly name: string; readonly step: number; readonly value: number }
  | { readonly perdura: 'checkpoint'; readonly step: number; readonly file: string }
  | { readonly perdura: 'progress'; readonly text: string };

/** The same for a trainer in TypeScript: the second argument of an activity trainer. */
export type ProgramReporter = {
  metric(name: string, step: number, value: number): void;
  /** `file` is a name in `job.checkpoints`; the file is whole and stays as it is. */
  checkpoint(step: number, file: string): void;
  /** One line for a person, and a sign of life. */
  progress(text: string): void;
};

/** What a pipeline's activities.ts exports for `activityTrainer({ name })`. */
export type ActivityTrainerFunction = (job: ProgramJob, report: ProgramReporter) => Promise<void>;

/** Exit codes that say more than that it failed; 0 is done. */
export const programExits = {
  wrongParams: 64,
  unusableData: 65,
  deviceMemory: 71,
  tryAgain: 75,
} as const;

/** The column of the label in the training file; no feature may be called so. */
export const labelColumn = 'perdura_label';
