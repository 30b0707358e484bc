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

export type DataFormat = 'parquet' | 'csv' | 'tsv' | 'jsonl';

/** How text files are written, where it is not as usual: comma (TSV: tab), `"`, UTF-8, a header line. Compression is told by the name: `.gz`, `.zst`. */
export type TextDialect = {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly encoding?: 'utf-8' | 'utf-16' | 'latin-1';
  /** Names of the columns where the files have no header line. */
  readonly columns?: readonly string[];
};

/** The types that a column has towards the rest of Perdura; each DuckDB type maps to one. */
export type ColumnType = 'boolean' | 'integer' | 'number' | 'string' | 'timestamp' | 'other';

/** `zoned` only for timestamps: whether its values say where they were taken. Without a zone they are read as UTC. */
export type Column = { readonly name: string; readonly type: ColumnType; readonly zoned?: boolean };

/**
 * A snapshot with all its files. It copies no data: it pins S3 versions, in order of their keys (UTF-8 bytes), each key once. The same
 * bytes under the same keys are the same snapshot, whenever and wherever it was made: who made it, when and from what is in the history.
 * `columns` are the union of all files' columns with the type that fits all, in order of first appearance; a file that lacks some, or has
 * them with another type, is in `deviations`.
 */
export type Snapshot = SnapshotFacts & { readonly files: readonly SnapshotFile[] };

/** What a snapshot says of its files together. */
export type SnapshotFacts = {
  readonly dataset: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly deviations: readonly ColumnDeviation[];
  /** Null: as usual. */
  readonly dialect: TextDialect | null;
};

/**
 * The root of a sealed snapshot, `snapshots/<dataset>/<digest>.json`; `digest` is the SHA-256 of its canonical JSON. The files stand in
 * parts, `snapshots/<dataset>/parts/<sha256>.json`, which snapshots share: of a million files with one changed, one part is written anew.
 */
export type SnapshotManifest = SnapshotFacts & {
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** In order of keys. */
  readonly parts: readonly ManifestPart[];
};

/** One part of a manifest: its own SHA-256, and what it covers. */
export type ManifestPart = {
  readonly sha256: string;
  readonly files: number;
  readonly rows: number;
  readonly firstKey: string;
  readonly lastKey: string;
};

/** How one file's columns differ from the union of all files' columns. */
export type ColumnDeviation = {
  readonly key: string;
  readonly missing: readonly string[];
  readonly unlike: readonly string[];
};

/** What steps hand on: names a sealed snapshot; `digest` is the SHA-256 of the manifest's canonical JSON, hex. */
export type SnapshotReference = { readonly dataset: string; readonly digest: string; readonly rows: number };

/**
 * A part of a snapshot, half open: by time, `from <= column < before`, or by chance, `from <= place < before` of a row's place in [0, 1).
 * Nothing is copied. A whole snapshot is a slice with neither.
 */
export type DataSlice = {
  readonly snapshot: SnapshotReference;
  readonly time?: { readonly column: string; readonly from?: string; readonly before?: string };
  readonly chance?: SliceByChance;
  readonly rows: number;
};

/** A row's place follows from the seed and its values in these columns alone (MD5), so that equal rows are never on both sides. */
export type SliceByChance = {
  readonly seed: number;
  readonly by: readonly string[];
  readonly from: number;
  readonly before: number;
};

/** One arrival of data: an object that was added to a dataset. */
export type Arrival = ObjectPin & { readonly addedAt: string };

/** `datasets/<dataset>.json`: which objects have arrived, in order; moved by compare-and-set, so that no one lists the bucket. */
export type Dataset = { readonly dataset: string; readonly arrivals: readonly Arrival[] };

/**
 * What a snapshot is made of: `'newest'`: the newest arrival; `'all'`: the newest version of everything that arrived; one arrived key or
 * several; `{ prefix }`: whatever stands under a prefix of the bucket now (listed once, here and never again); `'@name'`: the snapshot that
 * a branch, tag or digest of the dataset names, as it is.
 */
export type SnapshotSource = string | readonly string[] | { readonly prefix: string };
