import type { Aggregate, Aggregates } from '../../domain/aggregate.ts';
import { CodedError } from '../../domain/errors.ts';
import { keySql, ofOneEventSql, timeSql, valueSql } from './event-sql.ts';

/** No column of data is called so. */
const mark = 'perdura part ';

/**
 * A query of the events that an aggregate is made of: `key` as `eventKey` writes it, `time` in epoch milliseconds, `id`, `value`; in no
 * order. Events without a key, a time or a finite value are left out, as no window holds them.
 *
 * `id` is made of the whole row: names and values of its columns, in order of the names and without those that are null, and which one of
 * equal rows it is. So the same row from another file, beside a column that came later, or in a column that was widened, is the same event;
 * two equal rows of one relation are two. It is MD5, not DuckDB's own hash, which may change from one release to the next.
 *
 * @param relation What may stand behind FROM, such as `relationSql` or a query in parentheses.
 * @throws CodedError FEATURES_INVALID when no aggregate is called so.
 */
export function eventsSql(aggregates: Aggregates, name: string, relation: string): string {
  const aggregate = aggregateNamed(aggregates, name);
  const parts = `*COLUMNS(lambda name: starts_with(name, '${mark}'))`;
  return `SELECT key, time, id || '-' || row_number() OVER (PARTITION BY id) AS id, value
    FROM (
      SELECT "perdura key" AS key, "perdura time" AS time, "perdura value" AS value,
        left(md5(CAST(list_sort(list_filter("perdura parts", lambda part: part IS NOT NULL)) AS VARCHAR)), 20) AS id
      FROM (
        SELECT "perdura key", "perdura time", "perdura value", list_value(${parts}) AS "perdura parts" FROM (
        SELECT ${keySql(aggregate.by)} AS "perdura key", CAST(${timeSql(aggregates)} AS DOUBLE) AS "perdura time", ${valueSql(aggregate)} AS "perdura value",
          alias(COLUMNS(event.*)) || '=' || ${anyTypeSql('COLUMNS(event.*)')} AS '${mark}\\0'
        FROM ${relation} AS event WHERE ${ofOneEventSql([aggregate])}
      ))
      WHERE "perdura key" IS NOT NULL AND "perdura time" IS NOT NULL AND "perdura value" IS NOT NULL
    )`;
}

/** A value as text whatever its column's type: 5 among fractions is 5 among whole numbers, a date its midnight. */
function anyTypeSql(value: string): string {
  const number = `regexp_full_match(typeof(${value}), 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL.*|FLOAT|DOUBLE')`;
  const text = `CAST(${value} AS VARCHAR)`;
  return `CASE WHEN ${number} THEN CAST(TRY_CAST(${text} AS DOUBLE) AS VARCHAR)
            WHEN typeof(${value}) = 'DATE' THEN ${text} || ' 00:00:00' ELSE ${text} END`;
}

function aggregateNamed(aggregates: Aggregates, name: string): Aggregate {
  const found = Object.hasOwn(aggregates.values, name) ? aggregates.values[name] : undefined;
  if (found !== undefined) return found;
  throw new CodedError('FEATURES_INVALID', `There is no aggregate '${name}'. Correct the pipeline's features.ts.`, {
    details: { aggregate: name },
  });
}
