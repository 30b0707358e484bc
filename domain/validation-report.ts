import type { ColumnStatistics } from './column-statistics.ts';
import type { DistributionExpectation, Severity, ViolationCode } from './expectation.ts';
import type { ObjectPin, SnapshotReference } from './snapshot.ts';
import type { Verdict } from './verdict.ts';

/** A bad row: where it stands and what it holds. `row` counts from 1 within its file. */
export type SampleRow = {
  readonly key: string;
  readonly row: number;
  readonly values: Readonly<Record<string, unknown>>;
};

/**
 * One expectation that did not hold. `count` is rows where single rows are to blame (row expectations, repeats, wrong order, unknown
 * references), files for what headers tell, values of the other column for what is held `per` value, else 1.
 */
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

/** How one column is distributed beside its reference. `value` null: there was nothing to compare. */
export type DistributionFinding = Pick<DistributionExpectation, 'column' | 'statistic' | 'atMost'> & {
  readonly against: string;
  readonly value: number | null;
  /** What the statistic is on average where nothing has moved. */
  readonly expected: number;
  /** Of the chi-square test on the same bins, after the false discovery rate was controlled over all columns. */
  readonly adjustedPValue: number;
  readonly drifted: boolean;
};

/**
 * What follows: `pass` and `warn` let all rows go on, `quarantine` only the clean ones, `block` none. `block` also stands for a gate that
 * checked nothing.
 */
export type GateDecision = 'pass' | 'warn' | 'quarantine' | 'block';

/** What the gate found in a set of files, wherever they come from. */
export type GateFindings = {
  readonly decision: GateDecision;
  /** `pass` for all decisions but `block`; there `fail`, or `inconclusive` when there was nothing to check. */
  readonly verdict: Verdict;
  readonly rows: number;
  /** Rows that a blocking row expectation marked. */
  readonly badRows: number;
  readonly expectations: number;
  readonly violations: readonly Violation[];
  readonly distributions: readonly DistributionFinding[];
};

/**
 * The gate's whole answer on a snapshot. Its samples are bounded, because Temporal carries at most 2 MB: 60 rows over all violations, five
 * a violation or an equal part, one for each of the first 60 at least; texts of the data are cut to 200 characters. That leaves room for
 * a thousand violations, those that block first; the JSON beside the page has all, and all bad rows are in quarantine.
 */
export type ValidationReport = GateFindings & {
  readonly snapshot: SnapshotReference;
  readonly environment: string;
  /** What may go on: the snapshot itself, the clean rest of it, or null where the decision is `block`. */
  readonly accepted: SnapshotReference | null;
  /** The bad rows as Parquet with `_key`, `_row`, `_codes` (a list of `CODE:column`) beside the data's columns; null when no single row is bad. */
  readonly quarantine: Quarantine | null;
  /** The whole report for a person, one HTML file that needs nothing around it; null for a report made before there was one. */
  readonly page: ObjectPin | null;
};

/** `snapshot` is one of the dataset `<dataset>.quarantine`. */
export type Quarantine = ObjectPin & { readonly rows: number; readonly snapshot: SnapshotReference };

/** Statistics beside each other, as the report's page draws them. */
export type ColumnPicture = {
  readonly column: string;
  readonly current: ColumnStatistics;
  readonly reference: ColumnStatistics | null;
};
