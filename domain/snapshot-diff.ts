import type { ColumnStatistics } from './column-statistics.ts';
import type { DataChange } from './data-version.ts';
import type { Column, SnapshotFile } from './snapshot.ts';

/** How two snapshots of a dataset differ, `from` the older to the newer. Files are told apart by key, bytes by SHA-256. */
export type SnapshotDiff = {
  readonly dataset: string;
  readonly from: string;
  readonly to: string;
  readonly change: DataChange;
  readonly reasons: readonly string[];
  readonly files: FilesDiff;
  readonly rows: { readonly from: number; readonly to: number };
  readonly columns: ColumnsDiff;
  /** One a column that both have, those that differ most first; empty where a snapshot has no statistics. */
  readonly distributions: readonly DistributionDiff[];
};

export type FilesDiff = {
  readonly added: readonly SnapshotFile[];
  readonly removed: readonly SnapshotFile[];
  readonly changed: readonly { readonly from: SnapshotFile; readonly to: SnapshotFile }[];
  readonly unchanged: number;
};

export type ColumnsDiff = {
  readonly added: readonly Column[];
  readonly removed: readonly Column[];
  readonly retyped: readonly { readonly from: Column; readonly to: Column }[];
};

/** `psi` over the older one's edges; null where the newer was counted over other edges or a profile is missing. */
export type DistributionDiff = {
  readonly column: string;
  readonly from: ColumnStatistics;
  readonly to: ColumnStatistics;
  readonly psi: number | null;
};
