import type { Aggregate, Aggregates } from '../../domain/aggregate.ts';
import { identifier } from '../tables.ts';

/** Epoch milliseconds of an event or of the row that asks, as the record has it; null where there is no time. */
export function timeSql(aggregates: Aggregates): string {
  return `epoch_ms(CAST(${identifier(aggregates.time)} AS TIMESTAMP))`;
}

/** The text of `eventKey`; null where a part is null. */
export function keySql(by: readonly string[]): string {
  const parts = by.map((name) => `replace(replace(CAST(${identifier(name)} AS VARCHAR), '%', '%25'), '|', '%7C')`);
  return parts.length === 0 ? `''` : parts.join(` || '|' || `);
}

/**
 * The value of one event; null leaves it out, and so does what is no finite number. The line break ends a comment that the author's
 * expression may end with.
 */
export function valueSql({ function: kind, of }: Aggregate): string {
  const value = kind === 'share' ? `CAST((${of}\n) AS BOOLEAN)` : `(${of}\n)`;
  return `CASE WHEN isfinite(CAST(${value} AS DOUBLE)) THEN CAST(${value} AS DOUBLE) END`;
}

/**
 * A condition that always holds and in which no window function may stand: one in the author's expression would look at other events, at
 * those of the future too. DuckDB binds it and leaves it out of the plan.
 */
export function ofOneEventSql(aggregates: readonly Aggregate[]): string {
  return `true OR ${aggregates.map(({ of }) => `(${of}\n) IS NULL`).join(' OR ')}`;
}
