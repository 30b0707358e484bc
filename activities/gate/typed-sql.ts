import type { ColumnType } from '../../domain/snapshot.ts';
import { identifier, literal } from '../../stores/tables.ts';

/** Whether a column of one type serves where another is wanted: an integer is a number too. */
export function fits(actual: ColumnType | undefined, wanted: ColumnType): boolean {
  return actual === wanted || (actual === 'integer' && wanted === 'number');
}

/** Whether values of a column can be read as numbers at all; text can, value by value. */
export function readsAsNumber(type: ColumnType): boolean {
  return type === 'integer' || type === 'number' || type === 'string';
}

/** A column as DOUBLE; NaN, and text that is no number, become null. Integers are exact up to 2^53. */
export function numberSql(column: string, type: ColumnType): string {
  if (type === 'integer') return `CAST(${identifier(column)} AS DOUBLE)`;
  const cast = type === 'string' ? 'TRY_CAST' : 'CAST';
  return `nullif(${cast}(${identifier(column)} AS DOUBLE), CAST('NaN' AS DOUBLE))`;
}

/** A column as it is, where it is exact and has no NaN; else as `numberSql` has it. For sums and extremes, which integers keep exact. */
export function exactNumberSql(column: string, type: ColumnType): string {
  return type === 'integer' ? identifier(column) : numberSql(column, type);
}

/** A column's value where it has one: NaN is none. */
export function presentSql(column: string, type: ColumnType): string {
  return type === 'number' ? numberSql(column, type) : identifier(column);
}

/** A column as a number that may be NaN: a fifth of the cost of `numberSql`, for conditions and aggregates that deal with NaN themselves. */
export function rawNumberSql(column: string, type: ColumnType): string {
  if (type === 'integer') return identifier(column);
  return `${type === 'string' ? 'TRY_CAST' : 'CAST'}(${identifier(column)} AS DOUBLE)`;
}

/** How many rows have no value, as a SQL aggregate: what `presentSql` has no value for, without a condition on each row. */
export function missingSql(column: string, type: ColumnType): string {
  const missing = `count(*) - count(${identifier(column)})`;
  return type === 'number' ? `${missing} + count_if(isnan(${rawNumberSql(column, type)}))` : missing;
}

/** A number as SQL; infinities too. */
export function numberLiteral(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}

/**
 * The newest time of a column up to a moment (ISO 8601), in epoch milliseconds, as a SQL aggregate. One row of the year 2999 says nothing about
 * how new the data is; text that is no time is left out.
 */
export function newestSql(column: string, type: ColumnType, upTo: string): string {
  const time = `${type === 'string' ? 'TRY_CAST' : 'CAST'}(${identifier(column)} AS TIMESTAMPTZ)`;
  return `epoch_ms(max(${time}) FILTER (WHERE isfinite(${time}) AND ${time} <= CAST(${literal(upTo)} AS TIMESTAMPTZ)))`;
}

/**
 * The condition of the rows whose value is not of the wanted type, where the column arrives as text and so each value can be asked;
 * null where the type alone is wrong.
 */
export function misfit(column: string, type: ColumnType | null, wanted: ColumnType): string | null {
  if (type !== 'string') return null;
  const value = identifier(column);
  const number = `TRY_CAST(${value} AS DOUBLE)`;
  switch (wanted) {
    case 'integer':
      return `${value} IS NOT NULL AND (${number} IS NULL OR NOT isfinite(${number}) OR ${number} <> floor(${number}))`;
    case 'number':
      return `${value} IS NOT NULL AND ${number} IS NULL`;
    case 'boolean':
      return `${value} IS NOT NULL AND TRY_CAST(${value} AS BOOLEAN) IS NULL`;
    case 'timestamp':
      return `${value} IS NOT NULL AND TRY_CAST(${value} AS TIMESTAMP) IS NULL`;
    case 'string':
    case 'other':
      return null;
    default:
      return wanted satisfies never;
  }
}
