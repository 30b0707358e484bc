import {
  type ColumnStatistics,
  type MeasuredStatistics,
  mergeStatistics,
  type SnapshotStatistics,
} from '../../domain/column-statistics.ts';
import type { Column } from '../../domain/snapshot.ts';
import { relationSql } from '../slices.ts';
import { identifier, type TableRow, type Tables } from '../tables.ts';
import { aggregatesOf, type Edges, statisticsOf, valueSql } from './measured-column.ts';
import { sampledEdges } from './sampled-edges.ts';

/** Columns of one statement: beyond this many DuckDB's plan costs more than reading the file again. */
const columnsAtOnce = 100;
/** Files of one statement. */
const filesAtOnce = 500;

/** Files that one statement reads, and the names of their columns, in lower case as DuckDB compares them. */
type Group = { readonly files: readonly string[]; readonly names: ReadonlySet<string> };

/**
 * What the values of local Parquet files look like. One scan picks edges from an even sample (100,000 rows), a second counts all rows
 * over them, so that counts are exact and memory is bounded whatever the number of rows; where `edges` has a column's profile already,
 * it is counted over that and the first scan is left out.
 *
 * Numbers and timestamps have up to 40 quantile edges (bins are [edge, next edge), both ends open), strings and booleans up to 50 of
 * their most frequent values. A file that lacks a column counts as missing there. Infinities are in a profile's `missing`, as the
 * monitor counts them.
 */
export async function measureStatistics(
  tables: Tables,
  files: readonly string[],
  columns: readonly Column[],
  edges?: SnapshotStatistics,
): Promise<Pick<SnapshotStatistics, 'rows' | 'columns'>> {
  if (columns.length <= columnsAtOnce) return measured(tables, files, { columns, edges });
  // Each batch would read the header of all columns anew.
  await tables.all('SET parquet_metadata_cache = true');
  try {
    return await measured(tables, files, { columns, edges });
  } finally {
    await tables.all('RESET parquet_metadata_cache');
  }
}

async function measured(
  tables: Tables,
  files: readonly string[],
  { columns, edges }: { readonly columns: readonly Column[]; readonly edges: SnapshotStatistics | undefined },
): Promise<MeasuredStatistics> {
  const groups: Group[] = [];
  for (const group of batches(files, filesAtOnce))
    groups.push({ files: group, names: await columnNames(tables, group) });
  let all: MeasuredStatistics = { rows: 0, columns: {} };
  for (const batch of batches(columns, columnsAtOnce)) {
    const known = await completeEdges(tables, groups, { columns: batch, edges });
    let some: MeasuredStatistics | null = null;
    for (const group of groups) {
      const counted = await count(tables, group, { columns: batch, edges: known });
      some = some === null ? counted : mergeStatistics(some, counted);
    }
    if (some !== null) all = { rows: some.rows, columns: { ...all.columns, ...some.columns } };
  }
  return all;
}

async function columnNames(tables: Tables, files: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tables.all(`DESCRIBE SELECT * FROM ${relationSql(files)}`);
  return new Set(rows.map((row) => String(row['column_name']).toLowerCase()));
}

async function completeEdges(
  tables: Tables,
  groups: readonly Group[],
  work: { readonly columns: readonly Column[]; readonly edges: SnapshotStatistics | undefined },
): Promise<ReadonlyMap<string, Edges>> {
  const known = new Map<string, Edges>();
  for (const column of work.columns) {
    const profile = knownProfile(column, work.edges);
    if (profile !== null) known.set(column.name, profile);
  }
  const fresh = work.columns.filter((column) => !known.has(column.name));
  const [only] = groups;
  if (fresh.length === 0 || only === undefined) return known;
  const spread = groups.length === 1 ? only : await spreadGroup(tables, groups);
  const sampled = await sampledEdges(tables, spread.files, existing(spread, fresh));
  return new Map([...fresh.flatMap(noEdges), ...known, ...sampled]);
}

/** A column that none of the files has is counted over nothing: so it can be added to, and taken from, one that has values. */
function noEdges({ name, type }: Column): readonly (readonly [string, Edges])[] {
  if (type === 'other') return [];
  const isText = type === 'string' || type === 'boolean';
  return [[name, isText ? { kind: 'category', values: [] } : { kind: 'number', edges: [] }]];
}

/** As many files as one statement takes, from all over the list. */
async function spreadGroup(tables: Tables, groups: readonly Group[]): Promise<Group> {
  const files = groups.flatMap((group) => group.files.filter((_, place) => place % groups.length === 0));
  return { files, names: await columnNames(tables, files) };
}

/** The profile to count over again; null where the column is new or of another kind now. */
function knownProfile(column: Column, edges: SnapshotStatistics | undefined): Edges | null {
  const found =
    edges !== undefined && Object.hasOwn(edges.columns, column.name) ? edges.columns[column.name] : undefined;
  const profile = found?.profile ?? null;
  if (found === undefined || profile === null) return null;
  const numeric = column.type === 'integer' || column.type === 'number';
  const like = numeric ? found.type === 'integer' || found.type === 'number' : found.type === column.type;
  if (!like) return null;
  if (profile.kind === 'number' ? profile.edges.length === 0 : profile.values.length === 0) return null;
  return profile.kind === 'number'
    ? { kind: 'number', edges: innerEdges(profile.edges, profile.counts.length) }
    : { kind: 'category', values: profile.values };
}

/** Where there is one count fewer than edges, the outer two bound nothing: see `binOf`. */
function innerEdges(edges: readonly number[], bins: number): readonly number[] {
  return bins < edges.length ? edges.slice(1, -1) : edges;
}

/** The columns that at least one of the files has; DuckDB refuses to name another. */
function existing({ names }: Group, columns: readonly Column[]): readonly Column[] {
  return columns.filter((column) => names.has(column.name.toLowerCase()));
}

async function count(
  tables: Tables,
  group: Group,
  work: { readonly columns: readonly Column[]; readonly edges: ReadonlyMap<string, Edges> },
): Promise<MeasuredStatistics> {
  const present = existing(group, work.columns);
  const values = present.map((column, place) => `${valueSql(column)} AS ${identifier(`v${place}`)}`);
  const aggregates = present.flatMap((column, place) =>
    aggregatesOf(column, { place, edges: work.edges.get(column.name) ?? null }),
  );
  const [row = {}] = await tables.all(
    `SELECT ${['count(*) AS "rows"', ...aggregates].join(', ')}
     FROM (SELECT ${values.length === 0 ? '1' : values.join(', ')} FROM ${relationSql(group.files)})`,
  );
  const places = new Map(present.map((column, place) => [column.name, place]));
  const columns = work.columns.map((column) => [column.name, columnOf(row, column, { work, places })] as const);
  return { rows: Number(row['rows']), columns: Object.fromEntries(columns) };
}

function columnOf(
  row: TableRow,
  column: Column,
  known: {
    readonly work: { readonly edges: ReadonlyMap<string, Edges> };
    readonly places: ReadonlyMap<string, number>;
  },
): ColumnStatistics {
  const edges = known.work.edges.get(column.name) ?? null;
  return statisticsOf(row, column, { place: known.places.get(column.name) ?? null, edges });
}

function batches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, place) =>
    items.slice(place * size, (place + 1) * size),
  );
}
