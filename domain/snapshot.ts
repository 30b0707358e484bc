/** Pins the bytes of one object for ever: a key alone names whatever is newest. */
export type ObjectPin = {
  readonly key: string;
  readonly s3VersionId: string;
  readonly sizeBytes: number;
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
};

/** One data file of a snapshot. */
export type SnapshotFile = ObjectPin & { readonly rows: number; readonly format: DataFormat };

export type DataFormat = 'parquet' | 'csv' | 'jsonl';

/** The types that a column has towards the rest of Perdura; each DuckDB type maps to one. */
export type ColumnType = 'boolean' | 'integer' | 'number' | 'string' | 'timestamp' | 'other';

export type Column = { readonly name: string; readonly type: ColumnType };

/**
 * The manifest of a snapshot, sealed at `snapshots/<dataset>/<digest>.json`. It copies no data: it pins S3 versions.
 * `columns` are the union of all files' columns with the type that fits all, in order of first appearance; a file that lacks some, or has
 * them with another type, is in `deviations`.
 */
export type Snapshot = {
  readonly dataset: string;
  readonly files: readonly SnapshotFile[];
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly deviations: readonly ColumnDeviation[];
  readonly parent: string | null;
};

/** How one file's columns differ from the union of all files' columns. */
export type ColumnDeviation = {
  readonly key: string;
  readonly missing: readonly string[];
  readonly unlike: readonly string[];
};

/** What steps hand on: names a sealed snapshot; `digest` is the SHA-256 of the manifest's canonical JSON, hex. */
export type SnapshotReference = { readonly dataset: string; readonly digest: string; readonly rows: number };

/** A part of a snapshot by time, half open: `from <= column < before`. Nothing is copied. A whole snapshot is a slice without `time`. */
export type DataSlice = {
  readonly snapshot: SnapshotReference;
  readonly time?: { readonly column: string; readonly from?: string; readonly before?: string };
  readonly rows: number;
};

/** One arrival of data: an object that was added to a dataset. */
export type Arrival = ObjectPin & { readonly addedAt: string };

/** `datasets/<dataset>.json`: which objects have arrived, in order; moved by compare-and-set, so that no one lists the bucket. */
export type Dataset = { readonly dataset: string; readonly arrivals: readonly Arrival[] };
