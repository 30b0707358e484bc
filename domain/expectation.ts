import type { ColumnType, ObjectPin, SnapshotReference } from './snapshot.ts';
import type { Verdict } from './verdict.ts';

/** `block` stops the run, `warn` is recorded and the run goes on. */
export type Severity = 'block' | 'warn';

/** One thing that data must fulfil: plain JSON, so that it is recorded, shown and audited. Row expectations mark rows, the others mark a column or the table. */
export type Expectation = { readonly severity?: Severity } & (
  | { readonly kind: 'type'; readonly column: string; readonly type: ColumnType }
  | { readonly kind: 'notNull'; readonly column: string }
  | { readonly kind: 'between'; readonly column: string; readonly min?: number; readonly max?: number }
  | { readonly kind: 'oneOf'; readonly column: string; readonly values: readonly string[] }
  | { readonly kind: 'matches'; readonly column: string; readonly pattern: string }
  | {
      readonly kind: 'quantileBetween';
      readonly column: string;
      readonly quantile: number;
      readonly min?: number;
      readonly max?: number;
    }
  | { readonly kind: 'meanBetween'; readonly column: string; readonly min?: number; readonly max?: number }
  | { readonly kind: 'rowCount'; readonly min?: number; readonly max?: number }
);

/** What data of one dataset looks like; `validate(data, schema)` checks all of it in one scan. */
export type DataSchema = { readonly dataset: string; readonly expectations: readonly Expectation[] };

/**
 * What a failed expectation is called. Names are those of TensorFlow Data Validation where it has one
 * (https://www.tensorflow.org/tfx/data_validation/anomalies).
 */
export type ViolationCode =
  | 'SCHEMA_MISSING_COLUMN'
  | 'UNEXPECTED_DATA_TYPE'
  | 'FEATURE_TYPE_LOW_FRACTION_PRESENT'
  | 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'
  | 'PATTERN_MISMATCH'
  | 'FLOAT_TYPE_SMALL_FLOAT'
  | 'FLOAT_TYPE_BIG_FLOAT'
  | 'QUANTILE_OUT_OF_RANGE'
  | 'MEAN_OUT_OF_RANGE'
  | 'DATASET_LOW_NUM_EXAMPLES'
  | 'DATASET_HIGH_NUM_EXAMPLES';

/** A bad row: where it stands and what it holds. `row` counts from 1 within its file. */
export type SampleRow = {
  readonly key: string;
  readonly row: number;
  readonly values: Readonly<Record<string, unknown>>;
};

/** One expectation that did not hold. `count` is rows for row expectations, files for a missing column or a wrong type, else 1. */
export type Violation = {
  readonly code: ViolationCode;
  readonly severity: Severity;
  readonly column: string | null;
  readonly count: number;
  /** What was expected and what was observed, for a person. */
  readonly expected: string;
  readonly observed: string;
  readonly samples: readonly SampleRow[];
};

/**
 * The gate's whole answer. `verdict` is `inconclusive` when there was nothing to check. Its samples are bounded, because Temporal carries
 * at most 2 MB: 60 rows over all violations, five a violation or an equal part, one for each of the first 60 at least; texts of the data
 * are cut to 200 characters. That leaves room for about a thousand violations; all bad rows are in quarantine.
 */
export type ValidationReport = {
  readonly snapshot: SnapshotReference;
  readonly verdict: Verdict;
  readonly rows: number;
  readonly expectations: number;
  readonly violations: readonly Violation[];
  /** The bad rows as Parquet with `_key`, `_row`, `_codes` (a list of `CODE:column`) beside the data's columns; null when no single row is bad. */
  readonly quarantine: (ObjectPin & { readonly rows: number }) | null;
};
