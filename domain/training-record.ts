import type { Device } from './device.ts';
import type { Environment, RunKey } from './run.ts';
import type { DataSlice, ObjectPin } from './snapshot.ts';
import type { StepCacheUse } from './step-cache.ts';
import type { Target } from './target.ts';
import type { TrainerSpec } from './trainer.ts';

/** Python as a trainer had it: packages by name, with their versions, as `pip list` tells them. */
export type PythonEnvironment = {
  readonly python: string;
  /** SHA-256 of the requirements file, the Python version and the platform: names the built environment. */
  readonly digest: string;
  readonly packages: Readonly<Record<string, string>>;
};

export type Hardware = {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** The devices that the attempt was given. */
  readonly devices: readonly Device[];
};

/** What an attempt used, its child processes included. `gpuSeconds` is device time: seconds that a device was held. */
export type Usage = {
  readonly elapsedMs: number;
  readonly cpuSeconds: number;
  readonly gpuSeconds: number;
  readonly peakMemoryMiB: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
};

/** `prices.json` of the project: what an hour of one core and of one device costs, devices by name with `*` for any other. */
export type PriceTable = {
  readonly currency: string;
  readonly cpuHour: number;
  readonly gpuHour: Readonly<Record<string, number>>;
};

export type Cost = { readonly amount: number; readonly currency: string; readonly prices: PriceTable };

/** `training.json`: all that is known of one training, written with its result. Nothing of it is logged by an author's call. */
export type TrainingRecord = {
  readonly run: RunKey;
  readonly stepId: string;
  readonly model: string;
  readonly attempt: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly trainer: TrainerSpec;
  readonly seed: number;
  readonly target: Target;
  readonly data: DataSlice;
  readonly features: { readonly pipeline: string; readonly sha256: string };
  readonly environment: Environment;
  /** Null: no Python. */
  readonly python: PythonEnvironment | null;
  readonly hardware: Hardware;
  readonly rows: { readonly trained: number; readonly skipped: number };
  /** The last value of each metric. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Parquet of every metric point: name, step, value, elapsedMs; null: none was reported. */
  readonly points: ObjectPin | null;
  readonly usage: Usage;
  /** Null: the project has no price table. */
  readonly cost: Cost | null;
  readonly cache: StepCacheUse;
  /** What a program wrote beside its model. */
  readonly artifacts: readonly ObjectPin[];
};
