import type { CategoryProfile, NumberProfile } from './drift-report.ts';
import type { ColumnType } from './snapshot.ts';

/**
 * `snapshots/<dataset>/<digest>.statistics.json`: what the values of a snapshot look like; written once, the first stays. It is no part of
 * the digest, because it may rest on the parent's edges: `edgesFrom` is the digest of the snapshot whose edges it counts over, its own
 * where it was the first.
 */
export type SnapshotStatistics = {
  readonly dataset: string;
  readonly digest: string;
  readonly edgesFrom: string;
  readonly rows: number;
  readonly columns: Readonly<Record<string, ColumnStatistics>>;
};

/** One column. `missing` counts null, NaN and rows of files without the column. */
export type ColumnStatistics = {
  readonly type: ColumnType;
  readonly missing: number;
  /** About how many different values (HyperLogLog, within about 2 %); null where it was not counted. */
  readonly distinct: number | null;
  /** Numbers as they are, timestamps in epoch milliseconds; null for other types and where there is no value. Infinities are left out. */
  readonly range: NumberRange | null;
  /** Counts over stored edges (integer, number, timestamp) or of the most frequent values (string, boolean); null for other types. */
  readonly profile: NumberProfile | CategoryProfile | null;
};

/** `count` is how many finite values the rest is of; the standard deviation is that of the population. Two merge by Chan's formula. After files were taken away, `min` and `max` are bounds. */
export type NumberRange = {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number;
};
