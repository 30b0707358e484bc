import type { CodedFailure } from '../domain/failure.ts';
import type { PackageFile, Signature } from '../domain/model-package.ts';
import type { Target } from '../domain/target.ts';
import type { MetricPoint, TrainerSpec } from '../domain/trainer.ts';
import type { PythonEnvironment } from '../domain/training-record.ts';

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
  /** Where the trainer leaves its checkpoints, each a file of its own; made when it does not exist. */
  readonly checkpointFolder: string;
  /** What to go on from; null: begin. */
  readonly resume: { readonly step: number; readonly file: string } | null;
  /** What a trainer that is not built in needs to be found and started; null for the built-in one. */
  readonly program: ProgramPlaces | null;
};

/** Where a program or activity trainer's parts lie on this machine. */
export type ProgramPlaces = {
  readonly projectFolder: string;
  /** Built Python environments, by digest; shared by all projects. */
  readonly environmentsFolder: string;
  /** The built activities.ts of the pipeline that trains; null: it has none. */
  readonly activitiesFile: string | null;
  /** UUIDs of the devices that the attempt may use; empty: CPU only. */
  readonly devices: readonly string[];
  /** The Python that environments are made with; `python3` of the PATH where it is left out. */
  readonly python?: string;
};

/** What a trainer hands back: local paths of the package's files. `rows.skipped` lacked a label or a field of the record. */
export type TrainingResult = {
  readonly files: Readonly<Record<PackageFile, string>>;
  readonly signature: Signature;
  readonly rows: { readonly trained: number; readonly skipped: number };
  /** One line for a person. */
  readonly summary: string;
  readonly python: PythonEnvironment | null;
  /** What a program left beside its model: names relative to its artifacts folder. */
  readonly artifacts: readonly { readonly name: string; readonly path: string }[];
  /** Of the trainer's processes together. */
  readonly usage: { readonly cpuSeconds: number; readonly peakMemoryMiB: number };
};

/** What a trainer says while it works. A listener that throws ends the attempt. */
export type TrainingEvents = {
  onMetric(point: MetricPoint): void;
  /** The file is whole and stays as it is until the attempt ends. */
  onCheckpoint(checkpoint: { readonly step: number; readonly file: string }): void;
  /** One line for a person, and a sign of life. */
  onProgress(text: string): void;
};

/** What the built-in trainer's process tells its parent. */
export type TrainerMessage =
  | { readonly type: 'metric'; readonly point: MetricPoint }
  | { readonly type: 'checkpoint'; readonly step: number; readonly file: string }
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'alive' }
  | { readonly type: 'done'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly failure: CodedFailure };
