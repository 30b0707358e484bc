import type { Environment } from '../../domain/run.ts';
import type { PriceTable } from '../../domain/training-record.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { LocalPackages } from '../../stores/packages.ts';
import type { Beat } from '../heartbeat.ts';
import type { HoldDevice } from './devices.ts';

/** What the training activities need from outside. */
export type TrainingDependencies = {
  readonly store: ObjectStore;
  /** Local copies of objects, by digest. */
  readonly cacheFolder: string;
  /** Local copies of model packages, and whose signatures count. */
  readonly packages: LocalPackages;
  /** Where the key is that packages are signed with. */
  readonly keysFolder: string;
  /** Scratch space of training attempts. */
  readonly workFolder: string;
  /** Built Python environments, shared by all projects. */
  readonly environmentsFolder: string;
  readonly projectFolder: string;
  /** The Python that makes environments: its version belongs to what a training depends on. */
  readonly python: string;
  /** What this worker's code runs on. */
  readonly environment: Environment;
  /** The project's prices; null: it has none. */
  readonly prices: () => Promise<PriceTable | null>;
  readonly holdDevice: HoldDevice;
  /** Bundles the features.ts of a pipeline of the project into one file. */
  readonly bundleFeatures: (pipeline: string, outputFile: string) => Promise<void>;
  /** Builds the activities.ts of the pipeline with this function and gives the file; null: it has none. */
  readonly activitiesFile: (pipelineFunction: string) => Promise<string | null>;
  readonly now: () => string;
  readonly beat: () => Beat;
  /** Names the running activity's call: the same in each attempt, and no other's. */
  readonly callId: () => string;
};
