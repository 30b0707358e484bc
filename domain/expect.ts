import type { Expectation, Severity } from './expectation.ts';
import type { ColumnType } from './snapshot.ts';

/** How a broken expectation is treated; `block` unless said otherwise. */
export type ExpectOptions = { readonly severity?: Severity };

/** Inclusive bounds; at least one of the two. */
export type RangeOptions = ExpectOptions & { readonly min?: number; readonly max?: number };

/**
 * The column has this type in every file. An integer is a number too.
 *
 * @example type('delay', 'integer')
 */
export function type(column: string, expected: ColumnType, options: ExpectOptions = {}): Expectation {
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
export function quantileBetween(column: string, quantile: number, range: RangeOptions): Expectation {
  return { kind: 'quantileBetween', column, quantile, ...range };
}

/**
 * The mean of the column lies in the range.
 *
 * @example meanBetween('distance', { min: 600, max: 900 })
 */
export function meanBetween(column: string, range: RangeOptions): Expectation {
  return { kind: 'meanBetween', column, ...range };
}

/**
 * The snapshot has a number of rows in the range.
 *
 * @example rowCount({ min: 1000 })
 */
export function rowCount(range: RangeOptions): Expectation {
  return { kind: 'rowCount', ...range };
}
