import type { PriceTable } from '../../domain/training-record.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Beat } from '../heartbeat.ts';

/** What the activities of a search need from outside. */
export type SearchDependencies = {
  readonly store: ObjectStore;
  /** Local copies of objects, by digest. */
  readonly cacheFolder: string;
  readonly workFolder: string;
  /** The project's price table as it is now; null: it has none. */
  readonly prices: () => Promise<PriceTable | null>;
  /** How many cores a training of this machine can use. */
  readonly cores: number;
  readonly beat: () => Beat;
};
