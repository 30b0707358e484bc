import type { ObjectStore } from '../../stores/objects/object-store.ts';

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
