import type { DeviceRequest, Placement } from '../../domain/device.ts';
import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ModelAbout } from '../../domain/registry.ts';
import type { RunKey } from '../../domain/run.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { Target } from '../../domain/target.ts';
import type { Checkpoint, TrainedModel, TrainerSpec } from '../../domain/trainer.ts';

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
  /** A GPU to train on; left out: CPU. */
  readonly device?: DeviceRequest;
  /** Whether an equal training's result may be taken, and this one's be kept for others; true where it is left out. */
  readonly cache?: boolean;
  /** State of an earlier training with the same data and seed to go on from, as trials of a search do. */
  readonly from?: Checkpoint;
};

/** What workflows may ask about models; runs on the `data` queue, trainings that were placed so on `gpu`. */
export type TrainingActivities = {
  /** Trains in a child process, heartbeats its progress. Idempotent by run and stepId. */
  trainModel(request: TrainingRequest): Promise<TrainedModel>;
  /** Where a training that asks for a device can go now. Reads only. */
  placeTraining(request: { readonly device: DeviceRequest }): Promise<Placement>;
  /** Gives a trained model a version and writes its signed package. Idempotent by registrationId. */
  registerModel(request: {
    readonly run: RunKey;
    readonly registrationId: string;
    readonly trained: TrainedModel;
    readonly about?: ModelAbout;
  }): Promise<ModelReference>;
  /** The version that an alias points to; null when there is none. */
  readAlias(request: {
    readonly model: string;
    readonly alias: 'champion' | 'challenger';
  }): Promise<ModelReference | null>;
  /**
   * Scores challenger and champion on the same rows and measures every metric that the guardrails name. Counts the use of the hold-out,
   * once a call however often it is attempted.
   */
  measureOffline(request: {
    readonly challenger: ModelReference;
    readonly champion: ModelReference | null;
    readonly on: DataSlice;
    readonly guardrails: readonly Guardrail[];
  }): Promise<readonly Measurement[]>;
};
