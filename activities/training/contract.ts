import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { RunKey } from '../../domain/run.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { Target } from '../../domain/target.ts';
import type { TrainedModel, TrainerSpec } from '../../domain/trainer.ts';

/** What a training step is given: plain JSON, recorded in the history. */
export type TrainingRequest = {
  readonly run: RunKey;
  /** Names the step within the run; files of a repeated attempt land at the same keys. */
  readonly stepId: string;
  readonly model: string;
  readonly data: DataSlice;
  /** The pipeline whose features.ts is used. */
  readonly features: string;
  readonly target: Target;
  readonly trainer: TrainerSpec;
  readonly seed: number;
};

/** What workflows may ask about models; runs on the `data` queue. */
export type TrainingActivities = {
  /** Trains in a child process, heartbeats each epoch. Idempotent by run and stepId. */
  trainModel(request: TrainingRequest): Promise<TrainedModel>;
  /** Gives a trained model a version and writes its package. Idempotent by registrationId. */
  registerModel(request: {
    readonly run: RunKey;
    readonly registrationId: string;
    readonly trained: TrainedModel;
  }): Promise<ModelReference>;
  /** The version that an alias points to; null when there is none. */
  readAlias(request: {
    readonly model: string;
    readonly alias: 'champion' | 'challenger';
  }): Promise<ModelReference | null>;
  /** Scores challenger and champion on the same rows and measures every metric that the guardrails name. Reads only. */
  measureOffline(request: {
    readonly challenger: ModelReference;
    readonly champion: ModelReference | null;
    readonly on: DataSlice;
    readonly guardrails: readonly Guardrail[];
  }): Promise<readonly Measurement[]>;
};
