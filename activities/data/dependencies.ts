import type { LoadedChecks } from '../../domain/row-checks.ts';
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
  /** Who asks, as a dataset's history names it: a run. */
  readonly who: () => string;
  /** Names this very call, the same again when it is repeated, so that a step that was tried twice moves a branch once. Random unless given. */
  readonly callId?: () => string;
  /** The functions of a pipeline's checks.ts; null where it has none. */
  readonly rowChecks: (pipeline: string) => Promise<LoadedChecks | null>;
};

/** What making a snapshot needs of them. */
export type SnapshotDependencies = Omit<DataDependencies, 'rowChecks'>;
