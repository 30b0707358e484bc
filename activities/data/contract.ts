import type { DataSchema, ValidationReport } from '../../domain/expectation.ts';
import type { DataSlice, SnapshotReference } from '../../domain/snapshot.ts';

/** What workflows may ask about data; runs on the `data` queue. All of it is idempotent: results are content-addressed. */
export type DataActivities = {
  /** Seals a snapshot of the newest arrival of a dataset (`from: 'newest'`), of one arrived key, or of several. */
  createSnapshot(request: {
    readonly dataset: string;
    readonly from: string | readonly string[];
  }): Promise<SnapshotReference>;
  /** Checks every expectation in one scan and puts bad rows into quarantine. It does not throw on bad data: the verdict says it. */
  validateData(request: {
    readonly snapshot: SnapshotReference;
    readonly schema: DataSchema;
  }): Promise<ValidationReport>;
  /** Cuts at the time where the newest `holdout` share of rows begins; rows at the cut belong to the hold-out. */
  splitByTime(request: {
    readonly data: SnapshotReference;
    readonly column: string;
    readonly holdout: number;
  }): Promise<DataSplit>;
};

export type DataSplit = { readonly training: DataSlice; readonly holdout: DataSlice };
