import type { ColumnStatistics, NumberRange } from '../../domain/column-statistics.ts';
import type { CategoryProfile, NumberProfile } from '../../domain/drift-report.ts';
import type { Column } from '../../domain/snapshot.ts';
import { identifier, literal, type TableRow } from '../tables.ts';

/** What a column is counted over: inner edges, ascending, or values, the most frequent first. */
export type Edges =
  | { readonly kind: 'number'; readonly edges: readonly number[] }
  | { readonly kind: 'category'; readonly values: readonly string[] };

/** `place` is null for a column that none of the scanned files has; `edges` are null for types that have no profile. */
type Place<Found> = { readonly place: Found; readonly edges: Edges | null };

/** Beyond this a square overflows DuckDB's standard deviation, which then fails the whole statement. */
const largestSquared = '1e150';

/** A column's value as statistics count it: numbers as DOUBLE, timestamps as epoch milliseconds, strings and booleans as text. */
export function valueSql({ name, type }: Column): string {
  const column = identifier(name);
  switch (type) {
    case 'integer':
    case 'number':
      return `CAST(${column} AS DOUBLE)`;
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${column} AS TIMESTAMP)) AS DOUBLE)`;
    case 'string':
    case 'boolean':
      return `CAST(${column} AS VARCHAR)`;
    case 'other':
      return column;
    default:
      return type satisfies never;
  }
}

/** The aggregates over the value `v<place>` that `statisticsOf` reads again. */
export function aggregatesOf(column: Column, { place, edges }: Place<number>): readonly string[] {
  const value = identifier(`v${place}`);
  const as = (what: string): string => `AS ${identifier(`${what}${place}`)}`;
  const present = `count(${value}) ${as('present')}`;
  if (column.type === 'other') return [present];
  const distinct = `approx_count_distinct(${value}) ${as('distinct')}`;
  if (edges?.kind === 'category') {
    const values = `[${inByteOrder(edges.values).map(literal).join(', ')}]::VARCHAR[]`;
    return [present, distinct, `CAST(map_values(histogram_exact(${value}, ${values})) AS DOUBLE[]) ${as('counts')}`];
  }
  if (column.type !== 'number')
    return [present, distinct, ...momentsOf(value, value, as), ...countsOf(value, edges, as)];
  const finite = `CASE WHEN isfinite(${value}) THEN ${value} END`;
  const small = `CASE WHEN abs(${value}) < ${largestSquared} THEN ${value} END`;
  return [
    present,
    distinct,
    `count_if(isnan(${value})) ${as('nan')}`,
    ...momentsOf(finite, small, as),
    ...countsOf(finite, edges, as),
  ];
}

function momentsOf(finite: string, small: string, as: (what: string) => string): readonly string[] {
  return [
    `count(${finite}) ${as('finite')}`,
    `min(${finite}) ${as('min')}`,
    `max(${finite}) ${as('max')}`,
    `avg(${small}) ${as('mean')}`,
    `stddev_pop(${small}) ${as('deviation')}`,
  ];
}

function countsOf(value: string, edges: Edges | null, as: (what: string) => string): readonly string[] {
  return edges?.kind === 'number' ? [`${numberCounts(value, edges)} ${as('counts')}`] : [];
}

/**
 * DuckDB's bins are (bin before, bin]; of the negated values they are [edge, next edge) from the highest down. The bins as one text are
 * bound several times as fast as a list of numbers.
 */
function numberCounts(value: string, edges: Extract<Edges, { kind: 'number' }>): string {
  const bins = edges.edges.map((edge) => `${-edge}`).toReversed();
  return `CAST(map_values(histogram(-(${value}), '[${bins.join(', ')}]'::DOUBLE[])) AS DOUBLE[])`;
}

/** One column's statistics out of the row of aggregates. */
export function statisticsOf(row: TableRow, column: Column, { place, edges }: Place<number | null>): ColumnStatistics {
  const rows = Number(row['rows']);
  const number = (what: string): number => (place === null ? 0 : Number(row[`${what}${place}`] ?? 0));
  const missing = rows - number('present') + number('nan');
  if (column.type === 'other') return { type: 'other', missing, distinct: null, range: null, profile: null };
  const counts = place === null ? null : numbers(row[`counts${place}`]);
  const distinct = number('distinct');
  if (edges?.kind === 'category') {
    const profile = categoryProfile(edges.values, counts, { rows, missing });
    return { type: column.type, missing, distinct, range: null, profile };
  }
  const range = place === null ? null : rangeOf(row, place);
  const profile = edges === null ? null : numberProfile(edges.edges, counts, rows);
  return { type: column.type, missing, distinct, range, profile };
}

function rangeOf(row: TableRow, place: number): NumberRange | null {
  const count = Number(row[`finite${place}`] ?? 0);
  if (count === 0) return null;
  const min = Number(row[`min${place}`]);
  const mean = row[`mean${place}`];
  return {
    min,
    max: Number(row[`max${place}`]),
    count,
    mean: typeof mean === 'number' && Number.isFinite(mean) ? mean : min,
    standardDeviation: Number(row[`deviation${place}`] ?? 0),
  };
}

/** The histogram has one bin more where a value lies below the lowest edge, and none at all where there was no value. */
function numberProfile(edges: readonly number[], counts: readonly number[] | null, rows: number): NumberProfile {
  const fromHighest = Array.from({ length: edges.length + 1 }, (_, bin) => counts?.[bin] ?? 0);
  const binned = fromHighest.toReversed();
  return { kind: 'number', edges, counts: binned, missing: rows - sum(binned) };
}

function categoryProfile(
  values: readonly string[],
  counts: readonly number[] | null,
  { rows, missing }: { readonly rows: number; readonly missing: number },
): CategoryProfile {
  const places = new Map(inByteOrder(values).map((value, place) => [value, place]));
  const listed = values.map((value) => counts?.[places.get(value) ?? -1] ?? 0);
  return { kind: 'category', values, counts: listed, unseen: rows - missing - sum(listed), missing };
}

/** DuckDB gives a histogram's bins in this order, what is in none of them last. */
function inByteOrder(values: readonly string[]): readonly string[] {
  return values.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function numbers(found: unknown): readonly number[] | null {
  return Array.isArray(found) ? found.map(Number) : null;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
