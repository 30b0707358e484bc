import type { PackageFile, Signature } from './model-package.ts';
import type { DataSlice, ObjectPin } from './snapshot.ts';
import type { StepCacheUse } from './step-cache.ts';

/** A trainer's hyper-parameters: plain JSON. */
export type TrainerParams = { readonly [name: string]: ParamValue };
export type ParamValue = string | number | boolean | null | readonly ParamValue[] | TrainerParams;

/** A feed-forward network of the built-in trainer; without hidden layers a linear or logistic model. */
export type DenseTrainer = {
  readonly kind: 'dense';
  readonly hidden: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Width of the embedding of each category feature. */
  readonly embedding: number;
  /** How much a row counts, by its class (binary: `true`, `false`); `balanced`: rows / (classes * rows of the class), as scikit-learn has it. */
  readonly classWeights?: 'balanced' | Readonly<Record<string, number>>;
  /** Holds the share of rows out, stops once their loss has not sunk for `patience` epochs, and keeps the best epoch's weights. */
  readonly earlyStopping?: { readonly share: number; readonly patience: number };
  /** Epochs between two checkpoints; each epoch where it is left out. */
  readonly checkpointEvery?: number;
};

/** What every trainer that is not our own code is held to. */
export type TrainerLimits = {
  /** Ends an attempt that reported nothing for so long. */
  readonly silentForMs: number;
  /** Memory of all its processes together; null: the machine's. */
  readonly memoryMiB: number | null;
  /** What it may write to the disk. */
  readonly diskMiB: number;
  /** How far the exported model's answers may be from the trainer's own, absolute; for a regression relative to the largest answer. */
  readonly tolerance: number;
};

/** Any command that keeps to the contract of docs/reference/program-trainer.md. */
export type ProgramTrainer = TrainerLimits & {
  readonly kind: 'program';
  /** The first is looked up in the environment, then on the PATH; arguments that are files are relative to the project. */
  readonly command: readonly string[];
  /** Python packages by a requirements file of the project with hashes, or one of Perdura's own (`perdura:lightgbm`); null: as the machine is. */
  readonly environment: { readonly requirements: string } | null;
  readonly params: TrainerParams;
  /** Where the trainer may be run again with a smaller batch after the device ran out of memory: the parameter to halve, down to `least`. */
  readonly smallerBatch?: { readonly param: string; readonly least: number };
};

/** A function that the pipeline's activities.ts exports, run in a process of its own by the same contract. */
export type ActivityTrainer = TrainerLimits & {
  readonly kind: 'activity';
  readonly name: string;
  readonly params: TrainerParams;
};

/** Which trainer with which hyper-parameters: plain JSON. */
export type TrainerSpec = DenseTrainer | ProgramTrainer | ActivityTrainer;

/** One value that a trainer reported: `loss` of epoch 3. */
export type MetricPoint = {
  readonly name: string;
  readonly step: number;
  readonly value: number;
  /** Since the attempt began. */
  readonly elapsedMs: number;
};

/** State to go on from: one file, written by the trainer after `step`. */
export type Checkpoint = { readonly step: number; readonly file: ObjectPin };

/** A trained artifact before it has a version: its files lie under a run's folder. */
export type TrainedModel = {
  readonly model: string;
  readonly signature: Signature;
  readonly trainer: TrainerSpec;
  readonly seed: number;
  readonly data: DataSlice;
  readonly files: Readonly<Record<PackageFile, ObjectPin>>;
  /** One line for a person: epochs and loss, or what the program reported last. */
  readonly summary: string;
  /** The last value of each metric that was reported. */
  readonly metrics: Readonly<Record<string, number>>;
  /** `training.json` beside the files: everything that was tracked. */
  readonly record: ObjectPin;
  /** The newest checkpoint; null: the trainer wrote none. */
  readonly checkpoint: Checkpoint | null;
  /** Whether it was computed or found. */
  readonly cache: StepCacheUse;
  readonly elapsedMs: number;
};
