import type { Aggregate, Aggregates } from '../../domain/aggregate.ts';
import { durationMs } from '../../domain/duration.ts';
import { identifier } from '../tables.ts';
import { keySql, ofOneEventSql, timeSql, valueSql } from './event-sql.ts';

/** Which rows ask, and what they ask about. Both are what may stand behind FROM. */
export type AsOfJoin = {
  readonly rows: string;
  /** `null`: the rows are the events themselves, which is read and sorted once instead of twice. */
  readonly events: string | null;
  readonly aggregates: Aggregates;
};

/** The helper columns of one query; no column of data is called so. */
const time = identifier('perdura time');
const row = identifier('perdura row');

/** The column that an aggregate becomes. */
export function pastColumn(name: string): string {
  return `perdura past ${name}`;
}

/**
 * A query of all columns of `rows` and, for each aggregate, a DOUBLE column `pastColumn(name)` as of the row's time: the function of the events
 * of the row's key with `T - gap - over <= time < T - gap`, in whole milliseconds. Rows keep their number; they come in no order, so carry
 * one in a column where it matters.
 *
 * It is a window over rows and events sorted by key and time, not a join of each row with its events, whose number would be their
 * product; DuckDB spills the sort to its temporary folder. Sums are compensated: see `foldWindow`.
 */
export function asOfJoinSql({ rows, events, aggregates }: AsOfJoin): string {
  const plan = planOf(aggregates);
  if (events === null)
    return `SELECT * EXCLUDE (${[time, ...plan.keys.map((key) => key.column), ...plan.values.map((value) => value.column)].join(', ')}), ${plan.results.join(', ')}
      FROM (SELECT *, ${timeSql(aggregates)} AS ${time}, ${columnsSql([...plan.keys, ...plan.values])} FROM ${rows} WHERE ${plan.ofOneEvent})
      WINDOW ${plan.windows.join(', ')}`;
  const asks = plan.values.map(({ column }) => `CAST(NULL AS DOUBLE) AS ${column}`).join(', ');
  return `WITH asking AS MATERIALIZED (SELECT row_number() OVER () AS ${row}, * FROM ${rows}),
    asked AS MATERIALIZED (SELECT ${row}, ${timeSql(aggregates)} AS ${time}, ${columnsSql(plan.keys)}, ${asks} FROM asking),
    events AS (SELECT CAST(NULL AS BIGINT) AS ${row}, ${timeSql(aggregates)} AS ${time}, ${columnsSql([...plan.keys, ...plan.values])} FROM ${events} WHERE ${plan.ofOneEvent}),
    reached AS (SELECT * FROM events WHERE ${time} < (SELECT max(${time}) FROM asked) AND ${time} >= (SELECT min(${time}) FROM asked) - ${plan.reachMs}),
    answered AS (
      SELECT ${row}, ${plan.results.join(', ')} FROM (SELECT * FROM asked UNION ALL SELECT * FROM reached)
      WINDOW ${plan.windows.join(', ')} QUALIFY ${row} IS NOT NULL
    )
    SELECT * EXCLUDE (${row}) FROM asking JOIN answered USING (${row})`;
}

type NamedSql = { readonly column: string; readonly sql: string };

type Plan = {
  /** Keys, values and windows are shared by the aggregates that have them in common. */
  readonly keys: readonly NamedSql[];
  readonly values: readonly NamedSql[];
  readonly windows: readonly string[];
  readonly results: readonly string[];
  /** How far before its own time any aggregate of a row looks. */
  readonly reachMs: number;
  readonly ofOneEvent: string;
};

function planOf(aggregates: Aggregates): Plan {
  const gapMs = durationMs(aggregates.gap);
  const keys = new Map<string, NamedSql>();
  const values = new Map<string, NamedSql>();
  const windows = new Map<string, NamedSql>();
  const results = Object.entries(aggregates.values).map(([name, aggregate]) => {
    const key = shared(keys, 'key', keySql(aggregate.by));
    const reachMs = gapMs + durationMs(aggregate.over);
    // Whole milliseconds: before T - gap is up to T - gap - 1.
    const window = shared(
      windows,
      'window',
      `(PARTITION BY ${key} ORDER BY ${time} RANGE BETWEEN ${reachMs} PRECEDING AND ${gapMs + 1} PRECEDING)`,
    );
    return `${functionSql(aggregate, shared(values, 'value', valueSql(aggregate)), window)} AS ${identifier(pastColumn(name))}`;
  });
  return {
    keys: [...keys.values()],
    values: [...values.values()],
    windows: [...windows.values()].map(({ column, sql }) => `${column} AS ${sql}`),
    results,
    reachMs: Math.max(...Object.values(aggregates.values).map(({ over }) => gapMs + durationMs(over))),
    ofOneEvent: ofOneEventSql(Object.values(aggregates.values)),
  };
}

/** The column of an expression; the same expression has one. */
function shared(known: Map<string, NamedSql>, kind: string, sql: string): string {
  const found = known.get(sql) ?? { sql, column: identifier(`perdura ${kind} ${known.size}`) };
  known.set(sql, found);
  return found.column;
}

function functionSql({ function: kind }: Aggregate, value: string, window: string): string {
  switch (kind) {
    case 'count':
      return `CAST(count(${value}) OVER ${window} AS DOUBLE)`;
    case 'sum':
      return `coalesce(fsum(${value}) OVER ${window}, 0)`;
    case 'mean':
    case 'share':
      return `favg(${value}) OVER ${window}`;
    case 'min':
      return `min(${value}) OVER ${window}`;
    case 'max':
      return `max(${value}) OVER ${window}`;
    case 'standardDeviation':
      return `stddev_pop(${value}) OVER ${window}`;
    default:
      return kind satisfies never;
  }
}

function columnsSql(columns: readonly NamedSql[]): string {
  return columns.map(({ column, sql }) => `${sql} AS ${column}`).join(', ');
}
