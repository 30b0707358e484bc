import type { DataSchema } from '../../domain/expectation.ts';
import type { DataSlice, SnapshotReference, SnapshotSource, TextDialect } from '../../domain/snapshot.ts';
import type { ValidationReport } from '../../domain/validation-report.ts';

/** What workflows may ask about data; runs on the `data` queue. All of it is idempotent: results are content-addressed. */
export type DataActivities = {
  /** Seals a snapshot and moves the branch `latest` (or the named one) to it. What its parent already knows is not read again. */
  createSnapshot(request: SnapshotRequest): Promise<SnapshotReference>;
  /** Checks every expectation in one scan and puts bad rows into quarantine. It does not throw on bad data: the verdict says it. */
  validateData(request: ValidationRequest): Promise<ValidationReport>;
  /** Cuts at the time where the newest `holdout` share of rows begins; rows at the cut belong to the hold-out. */
  splitByTime(request: {
    readonly data: SnapshotReference;
    readonly column: string;
    readonly holdout: number;
    /** Only rows of this slice of the same snapshot: a part is cut again. */
    readonly within?: DataSlice;
  }): Promise<DataSplit>;
  /** Holds about the share `holdout` of rows out, by a hash of the seed and their values in the columns `by`; null: in all of them. */
  splitByChance(request: {
    readonly data: SnapshotReference;
    readonly seed: number;
    readonly by: readonly string[] | null;
    readonly holdout: number;
    readonly within?: DataSlice;
  }): Promise<DataSplit>;
};

/** `branch` is where the snapshot goes; `latest` unless said. `'@name'` makes nothing and moves nothing. */
export type SnapshotRequest = {
  readonly dataset: string;
  readonly from: SnapshotSource;
  readonly dialect?: TextDialect;
  readonly branch?: string;
};

/** `environment` picks the expectations; `training` unless said. `pipeline` is given where the schema names functions of its checks.ts. */
export type ValidationRequest = {
  readonly snapshot: SnapshotReference;
  readonly schema: DataSchema;
  readonly environment?: string;
  readonly pipeline?: string;
};

export type DataSplit = { readonly training: DataSlice; readonly holdout: DataSlice };
