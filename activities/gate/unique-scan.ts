import type { Expectation } from '../../domain/expectation.ts';
import type { Column } from '../../domain/snapshot.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, type TableRow, type Tables } from '../../stores/tables.ts';
import { rowsSql, type ScanAggregate } from './scan.ts';

type Unique = Extract<Expectation, { readonly kind: 'unique' }>;

/** Least and greatest value of an integer column, and how many rows have one. */
export type IntegerSpan = { readonly min: number; readonly max: number; readonly rows: number };

/** A bitmap takes less than a hash table up to this many bits a row, and no more than this in all: 64 MiB a thread. */
const bitsPerRow = 64;
const mostBits = 2 ** 29;

/**
 * What `unique` adds to the one scan: an aggregate an expectation that is 0 exactly where no two rows are alike; `mayRepeat` reads it. So a
 * grouping, which costs twice as much and more memory, is made only where there is something to show.
 */
export async function uniqueAggregates(
  tables: Tables,
  layout: Layout,
  expectations: readonly Expectation[],
): Promise<readonly ScanAggregate[]> {
  const aggregates = new Map<string, ScanAggregate>();
  for (const expectation of expectations) {
    if (expectation.kind !== 'unique') continue;
    const columns = expectation.columns.flatMap((name) => layout.columns.filter((column) => column.name === name));
    if (columns.length < expectation.columns.length) continue;
    const name = nameOf(expectation);
    aggregates.set(name, { name, sql: repeatsSql(columns, await integerSpan(tables, layout, columns)) });
  }
  return [...aggregates.values()];
}

/** Whether the scan found rows that may be alike; false where it did not look, because a column is missing. */
export function mayRepeat(row: TableRow, expectation: Unique): boolean {
  return Number(row[nameOf(expectation)] ?? 0) > 0;
}

/**
 * A SQL aggregate: how many rows repeat the values of one before them. Rows with a null in any of the columns are left out.
 *
 * One integer column whose values lie close together takes a bitmap, a fifth of the time of counting different values; any other single
 * integer column is counted as it is. All else is counted by its 64 bit hash, whose size does not depend on the columns: as many different
 * hashes as rows prove that the rows differ. Fewer do not quite prove the contrary: of ten million different rows two share a hash once in
 * 370,000 times. DuckDB spills what does not fit into its memory.
 */
export function repeatsSql(columns: readonly Column[], span: IntegerSpan | null): string {
  const [column, ...others] = columns;
  if (column?.type === 'integer' && others.length === 0) {
    const value = identifier(column.name);
    return `count(${value}) - ${fitsBitmap(span) ? bitmapSql(value, span) : `count(DISTINCT ${value})`}`;
  }
  const names = columns.map(({ name }) => identifier(name));
  const complete = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const key = `CASE WHEN ${complete} THEN hash(${names.join(', ')}) END`;
  return `count(${key}) - count(DISTINCT ${key})`;
}

/** What `repeatsSql` wants to know of a key; null where it is not one integer column. DuckDB reads it from the files' footers where it can. */
export async function integerSpan(
  tables: Tables,
  layout: Layout,
  columns: readonly Column[],
): Promise<IntegerSpan | null> {
  const [column, ...others] = columns;
  if (column?.type !== 'integer' || others.length > 0) return null;
  const value = identifier(column.name);
  const [row = {}] = await tables.all(
    `SELECT min(${value}) AS least, max(${value}) AS greatest, count(${value}) AS n FROM ${rowsSql(layout)}`,
  );
  const { least, greatest, n } = row;
  return least === null || greatest === null ? null : { min: Number(least), max: Number(greatest), rows: Number(n) };
}

function bitmapSql(value: string, { min, max }: IntegerSpan): string {
  const bitmap = `bitstring_agg(CAST(${value} AS BIGINT), CAST(${min} AS BIGINT), CAST(${max} AS BIGINT))`;
  return `coalesce(bit_count(${bitmap}), 0)`;
}

function fitsBitmap(span: IntegerSpan | null): span is IntegerSpan {
  if (span === null || !Number.isSafeInteger(span.min) || !Number.isSafeInteger(span.max)) return false;
  const bits = span.max - span.min + 1;
  return bits <= mostBits && bits <= bitsPerRow * span.rows;
}

function nameOf({ columns }: Unique): string {
  return `perdura unique ${JSON.stringify(columns)}`;
}
