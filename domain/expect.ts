import type { Duration } from './duration.ts';
import type { Bounds, DistributionReference, DriftStatistic, Expectation, ExpectationScope } from './expectation.ts';
import type { ColumnType } from './snapshot.ts';

/** How a broken expectation is treated, `block` unless said otherwise; and where it is held, everywhere unless said. */
export type ExpectOptions = ExpectationScope;

/** Inclusive bounds; at least one of the two. */
export type RangeOptions = ExpectOptions & Bounds;

/** Held within each value of another column, such as a partition's. */
export type PerOptions = { readonly per?: string };

/**
 * The column has this type in every file. An integer is a number too. `zoned`: a timestamp says its zone; without one it is read as UTC.
 *
 * @example type('delay', 'integer')
 */
export function type(
  column: string,
  expected: ColumnType,
  options: ExpectOptions & { readonly zoned?: boolean } = {},
): Expectation {
  return { kind: 'type', column, type: expected, ...options };
}

/**
 * The column has a value in every row. NaN is no value.
 *
 * @example notNull('origin')
 */
export function notNull(column: string, options: ExpectOptions = {}): Expectation {
  return { kind: 'notNull', column, ...options };
}

/**
 * Every number of the column lies in the range. Rows without a value are the business of `notNull`.
 *
 * @example between('distance', { min: 0, max: 6000 })
 */
export function between(column: string, range: RangeOptions): Expectation {
  return { kind: 'between', column, ...range };
}

/**
 * Every value of the column, as text, is one of these.
 *
 * @example oneOf('origin', airports)
 */
export function oneOf(column: string, values: readonly string[], options: ExpectOptions = {}): Expectation {
  return { kind: 'oneOf', column, values, ...options };
}

/**
 * Every whole value of the column, as text, matches the regular expression (RE2 syntax: no look-around, no back reference).
 *
 * @example matches('origin', '[A-Z]{3}')
 */
export function matches(column: string, pattern: string, options: ExpectOptions = {}): Expectation {
  return { kind: 'matches', column, pattern, ...options };
}

/**
 * A quantile of the column lies in the range: catches a wrong unit where every single value is still possible.
 *
 * @example quantileBetween('delay', 0.95, { min: 30, max: 120 })
 */
export function quantileBetween(column: string, quantile: number, range: RangeOptions & PerOptions): Expectation {
  return { kind: 'quantileBetween', column, quantile, ...range };
}

/**
 * The mean of the column lies in the range.
 *
 * @example meanBetween('distance', { min: 600, max: 900 })
 */
export function meanBetween(column: string, range: RangeOptions & PerOptions): Expectation {
  return { kind: 'meanBetween', column, ...range };
}

/**
 * The snapshot has a number of rows in the range.
 *
 * @example rowCount({ min: 1000 })
 */
export function rowCount(range: RangeOptions & PerOptions): Expectation {
  return { kind: 'rowCount', ...range };
}

/**
 * A SQL expression (DuckDB) over the row's columns is true, or null, in every row.
 *
 * @example condition('lands after it leaves', 'arrival > departure')
 */
export function condition(name: string, sql: string, options: ExpectOptions = {}): Expectation {
  return { kind: 'condition', name, sql, ...options };
}

/**
 * A function of the pipeline's checks.ts says true for every row; it gets these columns. Slower than SQL: a row takes about a microsecond.
 *
 * @example rowFunction('plausibleRoute', { columns: ['origin', 'destination', 'distance'] })
 */
export function rowFunction(
  name: string,
  options: ExpectOptions & { readonly columns: readonly string[] },
): Expectation {
  return { kind: 'rowFunction', name, ...options };
}

/**
 * The sum of the column lies in the range.
 *
 * @example sumBetween('passengers', { min: 1 })
 */
export function sumBetween(column: string, range: RangeOptions & PerOptions): Expectation {
  return { kind: 'sumBetween', column, ...range };
}

/**
 * No two rows have the same values in these columns.
 *
 * @example unique(['date', 'origin', 'destination'])
 */
export function unique(columns: readonly string[], options: ExpectOptions = {}): Expectation {
  return { kind: 'unique', columns, ...options };
}

/**
 * The table has no column but these.
 *
 * @example onlyColumns(['date', 'delay', 'distance', 'origin', 'destination'])
 */
export function onlyColumns(
  columns: readonly string[],
  options: ExpectOptions & { readonly ordered?: boolean } = {},
): Expectation {
  return { kind: 'onlyColumns', columns, ...options };
}

/**
 * Rows against the snapshot before on the same branch; 1 is as many.
 *
 * @example volume({ min: 0.5, max: 2 })
 */
export function volume(range: RangeOptions): Expectation {
  return { kind: 'volume', ...range };
}

/**
 * The newest value of the timestamp is no older than this when the data is checked; values of the future do not count.
 *
 * @example fresh('date', '2 days')
 */
export function fresh(column: string, within: Duration, options: ExpectOptions = {}): Expectation {
  return { kind: 'fresh', column, within, ...options };
}

/**
 * Every value exists in a column of another snapshot.
 *
 * @example references('origin', { in: 'airports@latest', to: 'iata' })
 */
export function references(
  column: string,
  target: ExpectOptions & { readonly in: string; readonly to: string },
): Expectation {
  return { kind: 'references', column, ...target };
}

/**
 * In file order no value goes back.
 *
 * @example monotonic('date', { direction: 'increasing' })
 */
export function monotonic(
  column: string,
  options: ExpectOptions & {
    readonly direction: 'increasing' | 'decreasing';
    readonly strict?: boolean;
    readonly by?: string;
  },
): Expectation {
  return { kind: 'monotonic', column, ...options };
}

/**
 * The column is distributed as in the reference; see `DistributionExpectation` for when it is not.
 *
 * @example drift('delay', { statistic: 'psi', atMost: 0.1, against: 'previous' })
 */
export function drift(
  column: string,
  options: ExpectOptions & {
    readonly statistic: DriftStatistic;
    readonly atMost: number;
    readonly against: DistributionReference;
  },
): Expectation {
  return { kind: 'drift', column, ...options };
}
