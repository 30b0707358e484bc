import type { CategoryProfile, NumberProfile } from '../../domain/drift-report.ts';
import type { Column } from '../../domain/snapshot.ts';
import { identifier, literal, type TableRow } from '../../stores/tables.ts';

/** A column of the data at hand and the reference whose stored edges, or values, it is counted over. */
export type CountedColumn = { readonly column: Column; readonly profile: NumberProfile | CategoryProfile };

/** One column of the scan's result: an aggregate and the name it goes by. */
export type NamedAggregate = { readonly name: string; readonly sql: string };

const allRows: NamedAggregate = { name: 'perdura distribution rows', sql: 'count(*)' };

/**
 * The aggregates that count columns over stored edges, to be put into the same SELECT as the other checks: drift needs no scan of its own
 * and no sorting, because the reference was sorted when its edges were made. `profilesOf` reads their row.
 *
 * Of what DuckDB 1.5 offers, `histogram` over given bins is the cheapest: it looks for a number's bin by halving, 17 ns a row; a tree of CASE
 * and its count take 80 ns, a count_if for every edge 170. Text is turned to its place in the list first, which DuckDB does once
 * for each entry of a Parquet dictionary.
 */
export function distributionAggregates(columns: readonly CountedColumn[]): readonly NamedAggregate[] {
  const counts = columns.flatMap(({ column, profile }, place): NamedAggregate[] => {
    const sql = countsSql({ column, profile });
    const name = nameAt(place);
    if (sql === null) return [];
    if (profile.kind === 'number') return [{ name, sql }];
    return [
      { name, sql },
      { name: presentName(name), sql: `count(${identifier(column.name)})` },
    ];
  });
  return counts.length === 0 ? [] : [allRows, ...counts];
}

/**
 * The columns' counts, in the order asked: the reference's edges or values with the counts of the data at hand. Numbers that are null,
 * NaN or infinite, and text that is no number, are `missing`. Null stands for a column of a type that has no such counts.
 */
export function profilesOf(
  row: TableRow,
  columns: readonly CountedColumn[],
): readonly (NumberProfile | CategoryProfile | null)[] {
  const rows = Number(row[allRows.name] ?? 0);
  return columns.map((counted, place) => {
    if (countsSql(counted) === null) return null;
    const name = nameAt(place);
    const found = numbersOf(row[name]);
    if (counted.profile.kind === 'number') return numberProfile(counted.profile, { rows, found });
    return categoryProfile(counted.profile, { rows, found, present: Number(row[presentName(name)] ?? 0) });
  });
}

function numberProfile(
  reference: NumberProfile,
  counted: { readonly rows: number; readonly found: readonly number[] },
): NumberProfile {
  // The first of the histogram is minus infinity; what may follow the last bin is infinity.
  const finite = counted.found.slice(1);
  const inner = innerEdges(reference);
  let next = 0;
  const counts = reference.counts.map((_, bin) => {
    // A value that stands at several quantiles is an edge several times: the bins between are empty.
    if (bin > 0 && inner[bin - 1] === inner[bin]) return 0;
    next++;
    return finite[next - 1] ?? 0;
  });
  return { ...reference, counts, missing: counted.rows - sum(counts) };
}

function categoryProfile(
  reference: CategoryProfile,
  counted: { readonly rows: number; readonly present: number; readonly found: readonly number[] },
): CategoryProfile {
  const counts = reference.values.map((_, place) => counted.found[place] ?? 0);
  return {
    ...reference,
    counts,
    unseen: counted.present - sum(counts),
    missing: counted.rows - counted.present,
  };
}

function countsSql({ column, profile }: CountedColumn): string | null {
  const value = identifier(column.name);
  return profile.kind === 'number' ? numberCountsSql(column, profile) : categoryCountsSql(column, profile, value);
}

/** `histogram` counts what is above the bin before and at most the bin, ours count from an edge to below the next: so its bins end just below an edge. */
function numberCountsSql(column: Column, profile: NumberProfile): string | null {
  const value = asDouble(column);
  if (value === null) return null;
  const ends = [...[...new Set(innerEdges(profile))].map(justBelow), Number.MAX_VALUE];
  // Without its own bin at the lower end, minus infinity would stand among the smallest numbers; NaN falls there or beyond the last end.
  return `map_values(histogram(${value}, [${[Number.NEGATIVE_INFINITY, ...ends].map(doubleLiteral).join(', ')}]))`;
}

function categoryCountsSql(column: Column, profile: CategoryProfile, value: string): string | null {
  if (column.type === 'other') return null;
  if (profile.values.length === 0) return 'CAST([] AS BIGINT[])';
  if (column.type === 'boolean') return booleanCountsSql(profile, value);
  const text = column.type === 'string' ? value : `CAST(${value} AS VARCHAR)`;
  const places = profile.values.map((_, place) => place + 1).join(', ');
  return `map_values(histogram(list_position([${profile.values.map(literal).join(', ')}], ${text}), [${places}]))`;
}

function booleanCountsSql(profile: CategoryProfile, value: string): string {
  const counts = profile.values.map((one) => {
    if (one === 'true') return `count_if(${value})`;
    return one === 'false' ? `count_if(NOT ${value})` : 'CAST(0 AS HUGEINT)';
  });
  return `[${counts.join(', ')}]`;
}

function asDouble({ name, type }: Column): string | null {
  switch (type) {
    case 'integer':
    case 'number':
      return `CAST(${identifier(name)} AS DOUBLE)`;
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${identifier(name)} AS TIMESTAMP)) AS DOUBLE)`;
    case 'string':
      return `TRY_CAST(${identifier(name)} AS DOUBLE)`;
    case 'boolean':
    case 'other':
      return null;
    default:
      return type satisfies never;
  }
}

/** Edges that bound a bin on both sides, in rising order; see `binOf` in domain/drift/profile-window.ts. */
function innerEdges(profile: NumberProfile): readonly number[] {
  return profile.counts.length < profile.edges.length ? profile.edges.slice(1, -1) : profile.edges;
}

/** The largest double below a finite one (IEEE 754 nextDown). */
function justBelow(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return view.getFloat64(0);
}

function doubleLiteral(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}

function numbersOf(list: unknown): readonly number[] {
  return Array.isArray(list) ? list.map(Number) : [];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function nameAt(place: number): string {
  return `perdura distribution ${place}`;
}

function presentName(name: string): string {
  return `${name} present`;
}
