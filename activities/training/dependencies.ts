import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Beat } from '../heartbeat.ts';

/** What the training activities need from outside. */
export type TrainingDependencies = {
  readonly store: ObjectStore;
  /** Local copies of objects, by digest. */
  readonly cacheFolder: string;
  /** Local copies of model packages. */
  readonly packagesFolder: string;
  /** Scratch space of training attempts. */
  readonly workFolder: string;
  /** Bundles the features.ts of a pipeline of the project into one file. */
  readonly bundleFeatures: (pipeline: string, outputFile: string) => Promise<void>;
  readonly now: () => string;
  readonly beat: () => Beat;
};
