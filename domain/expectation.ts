import type { Duration } from './duration.ts';
import type { ColumnType } from './snapshot.ts';

/** `block` stops the run, `warn` is recorded and the run goes on. */
export type Severity = 'block' | 'warn';

/** Inclusive; at least one of the two. */
export type Bounds = { readonly min?: number; readonly max?: number };

/** Measures of how far a distribution has moved; each is described in domain/statistics. */
export type DriftStatistic = 'psi' | 'ks' | 'chiSquare' | 'jensenShannon' | 'wasserstein' | 'lInfinity';

/** What a distribution is held against: the snapshot before on the same branch, a named snapshot of the dataset (branch, tag, digest), or what an endpoint was asked in its last hours. */
export type DistributionReference =
  'previous' | { readonly snapshot: string } | { readonly endpoint: string; readonly since: Duration };

/**
 * One thing that data must fulfil: plain JSON, so that it is recorded, shown and audited. Row expectations mark rows, the others mark a
 * column or the table.
 */
export type Expectation = ExpectationScope &
  (RowExpectation | ColumnExpectation | TableExpectation | DistributionExpectation);

export type ExpectationScope = {
  readonly severity?: Severity;
  /** Held only in these environments, for example `['training']` for the label; in all unless said. */
  readonly environments?: readonly string[];
};

/** Each row can be told good or bad by itself. */
export type RowExpectation =
  | { readonly kind: 'notNull'; readonly column: string }
  | ({ readonly kind: 'between'; readonly column: string } & Bounds)
  | { readonly kind: 'oneOf'; readonly column: string; readonly values: readonly string[] }
  | { readonly kind: 'matches'; readonly column: string; readonly pattern: string }
  /** A SQL expression (DuckDB) over one row's columns that is true, or null, for a good row. */
  | { readonly kind: 'condition'; readonly name: string; readonly sql: string }
  /** A function of the pipeline's checks.ts, `(row) => boolean`, that gets these columns. */
  | { readonly kind: 'rowFunction'; readonly name: string; readonly columns: readonly string[] };

/** About one column as a whole; `per` holds it within each value of another column. */
export type ColumnExpectation =
  | { readonly kind: 'type'; readonly column: string; readonly type: ColumnType; readonly zoned?: boolean }
  | ({
      readonly kind: 'quantileBetween';
      readonly column: string;
      readonly quantile: number;
      readonly per?: string;
    } & Bounds)
  | ({ readonly kind: 'meanBetween'; readonly column: string; readonly per?: string } & Bounds)
  | ({ readonly kind: 'sumBetween'; readonly column: string; readonly per?: string } & Bounds)
  /** In file order each value is at least (at most) the one before; `by`: within each value of another column. */
  | {
      readonly kind: 'monotonic';
      readonly column: string;
      readonly direction: 'increasing' | 'decreasing';
      readonly strict?: boolean;
      readonly by?: string;
    }
  /** The newest value is no older than this when the data is checked. */
  | { readonly kind: 'fresh'; readonly column: string; readonly within: Duration }
  /** Every value exists in a column of another snapshot: `in` is `airports@latest`. */
  | { readonly kind: 'references'; readonly column: string; readonly in: string; readonly to: string };

/** About the table. */
export type TableExpectation =
  | ({ readonly kind: 'rowCount'; readonly per?: string } & Bounds)
  /** Rows against the snapshot before on the same branch: a ratio, 1 is as many. */
  | ({ readonly kind: 'volume' } & Bounds)
  /** No two rows have the same values in these columns; a row with a null in any of them is left out. */
  | { readonly kind: 'unique'; readonly columns: readonly string[] }
  /** There is no column but these; `ordered`: and they stand in this order in every file. */
  | { readonly kind: 'onlyColumns'; readonly columns: readonly string[]; readonly ordered?: boolean };

/**
 * The column is distributed as in the reference. Broken when the statistic exceeds what it is on average without drift by more than
 * `atMost`, and the difference is not chance: one chi-square test a column on the same bins, with the false discovery rate held over all
 * columns of the schema.
 */
export type DistributionExpectation = {
  readonly kind: 'drift';
  readonly column: string;
  readonly statistic: DriftStatistic;
  readonly atMost: number;
  readonly against: DistributionReference;
};

/** What data of one dataset looks like; `validate(data, schema)` checks all of it in one scan. */
export type DataSchema = {
  readonly dataset: string;
  readonly expectations: readonly Expectation[];
  /** Up to this share of rows may be bad in a blocking way and the clean rest goes on; 0 unless said: any bad row stops the run. */
  readonly quarantineUpTo?: number;
  /** Over all drift expectations together; 0.01 unless said. */
  readonly falseDiscoveryRate?: number;
};

/**
 * What a failed expectation is called. Names are those of TensorFlow Data Validation where it has one
 * (https://www.tensorflow.org/tfx/data_validation/anomalies).
 */
export type ViolationCode =
  | 'SCHEMA_MISSING_COLUMN'
  | 'SCHEMA_NEW_COLUMN'
  | 'COLUMN_NOT_ORDERED'
  | 'UNEXPECTED_DATA_TYPE'
  | 'TIMESTAMP_WITHOUT_ZONE'
  | 'FEATURE_TYPE_LOW_FRACTION_PRESENT'
  | 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'
  | 'PATTERN_MISMATCH'
  | 'CONDITION_NOT_MET'
  | 'ROW_FUNCTION_NOT_MET'
  | 'FLOAT_TYPE_SMALL_FLOAT'
  | 'FLOAT_TYPE_BIG_FLOAT'
  | 'INT_TYPE_SMALL_INT'
  | 'INT_TYPE_BIG_INT'
  | 'QUANTILE_OUT_OF_RANGE'
  | 'MEAN_OUT_OF_RANGE'
  | 'SUM_OUT_OF_RANGE'
  | 'NOT_MONOTONIC'
  | 'NOT_FRESH'
  | 'UNKNOWN_REFERENCE'
  | 'DUPLICATES'
  | 'DATASET_LOW_NUM_EXAMPLES'
  | 'DATASET_HIGH_NUM_EXAMPLES'
  | 'COMPARATOR_LOW_NUM_EXAMPLES'
  | 'COMPARATOR_HIGH_NUM_EXAMPLES'
  | 'COMPARATOR_CONTROL_DATA_MISSING'
  | 'COMPARATOR_L_INFTY_HIGH'
  | 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH'
  | 'COMPARATOR_PSI_HIGH'
  | 'COMPARATOR_KS_HIGH'
  | 'COMPARATOR_CHI_SQUARE_HIGH'
  | 'COMPARATOR_WASSERSTEIN_HIGH';
