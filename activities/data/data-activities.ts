import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { DataActivities } from './contract.ts';
import { createSnapshot } from './create-snapshot.ts';
import { splitByTime } from './split-by-time.ts';
import { validateData } from './validate-data.ts';

/** What the data activities need from outside. */
export type DataDependencies = {
  readonly store: ObjectStore;
  /** Local copies of data objects and scratch files; may be emptied while nothing runs. */
  readonly cacheFolder: string;
  /** Says that the step lives, with a word on how far it is. */
  readonly heartbeat: (note: string) => void;
  /** ISO 8601. */
  readonly now: () => string;
};

/** The data activities over a store; all of them may be repeated at any time and then give the same result. */
export function dataActivities(dependencies: DataDependencies): DataActivities {
  return {
    createSnapshot: (request) => createSnapshot(dependencies, request),
    validateData: (request) => validateData(dependencies, request),
    splitByTime: (request) => splitByTime(dependencies, request),
  };
}
