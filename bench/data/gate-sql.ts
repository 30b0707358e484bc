import type { ColumnStatistics, SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { CategoryProfile, NumberProfile } from '../../domain/drift-report.ts';
import { closedBoundaries } from '../../domain/statistics/wasserstein.ts';
import { literal, type TableRow, type Tables } from '../../stores/tables.ts';
import { bounded, bounds, columns, drifting, type GateData, listed, present } from './gate-data.ts';

/** What one side found: how many checks were broken, and each drift statistic. */
export type Answer = { readonly broken: number; readonly drift: readonly number[] };

/** The five statistics over shares p (reference) and q (current), as domain/statistics defines them. */
const macros = [
  'shares(c) AS list_transform(c, lambda n: n / list_sum(c))',
  'upto(p) AS list_transform(range(1, len(p) + 1), lambda i: list_sum(p[1:i]))',
  'gaps(p, q) AS list_transform(list_zip(upto(p), upto(q)), lambda z: z[2] - z[1])',
  `psi(p, q) AS list_sum(list_transform(list_zip(p, q), lambda z: CASE WHEN z[1] + z[2] = 0 THEN 0 ELSE
     (if(z[2] = 0, 1e-4, z[2]) - if(z[1] = 0, 1e-4, z[1])) * ln(if(z[2] = 0, 1e-4, z[2]) / if(z[1] = 0, 1e-4, z[1])) END))`,
  'ks(p, q) AS list_max(list_transform(gaps(p, q), lambda g: abs(g)))',
  `entropy(a, b) AS if(a = 0, 0, a * log2(2 * a / (a + b)))`,
  `jensenShannon(p, q) AS sqrt(list_sum(list_transform(list_zip(p, q), lambda z: entropy(z[1], z[2]) + entropy(z[2], z[1]))) / 2)`,
  'lInfinity(p, q) AS list_max(list_transform(list_zip(p, q), lambda z: abs(z[1] - z[2])))',
  `area(a, b) AS if(a * b >= 0, abs(a + b) / 2, (a * a + b * b) / (2 * (abs(a) + abs(b))))`,
  `wasserstein(p, q, ends) AS list_sum(list_transform(range(1, len(p) + 1), lambda i:
     (ends[i + 1] - ends[i]) * area(list_prepend(0, gaps(p, q))[i], list_prepend(0, gaps(p, q))[i + 1])))`,
];

/** Counts of both files as SQL lists, and for Wasserstein the ends of all bins and the standard deviation. */
type Counted = {
  readonly reference: string;
  readonly current: string;
  readonly ends: string;
  readonly deviation: string;
};

/** What an analyst writes: the checks by one statement, and drift by edges and counts taken from both files. */
export async function plainSql(tables: Tables, data: GateData, drift: 'with' | 'without'): Promise<Answer> {
  const conditions = [
    ...(await shared(tables, data)),
    'count(id) - count(DISTINCT id)',
    ...Object.entries(listed).map(([name, values]) => `count_if(${name} NOT IN (${texts(values)}))`),
  ];
  const row = await one(tables, `SELECT ${named(conditions)} FROM ${file(data.current)}`);
  const broken = brokenIn(row);
  return { broken, drift: drift === 'with' ? await driftOfBoth(tables, data) : [] };
}

/** The best SQL known to us: one statement, over edges and counts that the reference keeps, lists walked once a dictionary entry, a bitmap for the key. */
export async function storedEdgesSql(
  tables: Tables,
  data: GateData,
  statistics: Pick<SnapshotStatistics, 'rows' | 'columns'>,
): Promise<Answer> {
  const { least, greatest } = await one(
    tables,
    `SELECT min(id) AS least, max(id) AS greatest FROM ${file(data.current)}`,
  );
  const conditions = [
    ...(await shared(tables, data)),
    `count(id) - bit_count(bitstring_agg(id, ${String(least)}, ${String(greatest)}))`,
    `count_if(airport NOT IN (SELECT unnest([${texts(listed.airport)}])))`,
    ...['color', 'country', 'channel'].map(
      (name) => `count_if(NOT list_contains([${texts(listed[name as 'color'])}], ${name}))`,
    ),
  ];
  const references = drifting.map(({ column }) => statistics.columns[column]);
  const counts = references.map((reference, place) => {
    const name = drifting[place]?.column ?? '';
    return `${countsSql(name, reference?.profile)} AS counts${place}`;
  });
  const row = await one(
    tables,
    `SELECT ${[named(conditions), ...counts, 'count(*) AS n'].join(', ')} FROM ${file(data.current)}`,
  );
  const counted = references.map((reference, place): Counted => {
    const { profile, range } = reference ?? {};
    const current = listOf(row[`counts${place}`]);
    const missing = Number(row['n']) - current.reduce((sum, count) => sum + count, 0);
    const last = profile?.kind === 'category' ? [profile.unseen] : [];
    return {
      reference: listSql([...(profile?.counts ?? []), ...last]),
      current: listSql(profile?.kind === 'category' ? [...current, missing] : current),
      ends: listSql(endsOf(reference)),
      deviation: String(range?.standardDeviation ?? 1),
    };
  });
  return { broken: brokenIn(row), drift: await statisticsOf(tables, counted) };
}

/** Types, nulls and ranges: the same on both sides. NaN counts as missing. */
async function shared(tables: Tables, data: GateData): Promise<readonly string[]> {
  const described = await tables.all(`DESCRIBE SELECT * FROM ${file(data.current)}`);
  const types = new Set(described.map((row) => String(row['column_type'])));
  if (types.size === 0 || described.length !== columns.length) throw new Error('The file has other columns.');
  const numbers = columns.filter(({ type }) => type === 'number').map(({ name }) => name);
  return [
    ...present().map((name) => `count(*) - count("${name}")`),
    ...numbers.map((name) => `count_if(isnan(${name}))`),
    ...bounded.map((name) => `count_if(${name} < ${bounds.min} OR ${name} > ${bounds.max})`),
  ];
}

async function driftOfBoth(tables: Tables, data: GateData): Promise<readonly number[]> {
  const shares = Array.from({ length: 40 }, (_, place) => (place + 1) / 41).join(', ');
  const numbers = drifting.filter(({ column }) => column !== 'airport').map(({ column }) => column);
  const edges = await one(
    tables,
    `SELECT ${numbers.map((name) => `approx_quantile(${name}, [${shares}]) AS ${name}`).join(', ')}, min(n3) AS least,
     max(n3) AS greatest, stddev_pop(n3) AS deviation FROM ${file(data.reference)}`,
  );
  const top = await tables.all(
    `SELECT airport FROM ${file(data.reference)} GROUP BY airport ORDER BY count(*) DESC, airport LIMIT 50`,
  );
  const values = listSqlOfText(top.map((row) => String(row['airport'])));
  const counts = [
    ...numbers.map(
      (name) => `map_values(histogram(CAST(${name} AS DOUBLE), ${listSql(bins(listOf(edges[name])))})) AS ${name}`,
    ),
    `map_values(histogram(list_position(${values}, airport), range(1, 51))) AS airport`,
  ].join(', ');
  const before = await one(tables, `SELECT ${counts} FROM ${file(data.reference)}`);
  const now = await one(tables, `SELECT ${counts} FROM ${file(data.current)}`);
  const ends = listSql([Number(edges['least']), ...bins(listOf(edges['n3'])), Number(edges['greatest'])]);
  return statisticsOf(
    tables,
    drifting.map(({ column }) => ({
      reference: listSql(listOf(before[column])),
      current: listSql(listOf(now[column])),
      ends,
      deviation: String(edges['deviation']),
    })),
  );
}

async function statisticsOf(tables: Tables, counted: readonly Counted[]): Promise<readonly number[]> {
  for (const macro of macros) await tables.all(`CREATE OR REPLACE TEMP MACRO ${macro}`);
  const values = counted.map(({ reference, current, ends, deviation }, place) => {
    const { statistic = 'psi' } = drifting[place] ?? {};
    const both = `shares(${reference}), shares(${current})`;
    return statistic === 'wasserstein' ? `wasserstein(${both}, ${ends}) / ${deviation}` : `${statistic}(${both})`;
  });
  const row = await one(tables, `SELECT ${named(values)}`);
  return Object.values(row).map(Number);
}

/** Where the open outer bins end is a definition, not a count: the same as the gate's. */
function endsOf(reference: ColumnStatistics | undefined): readonly number[] {
  const { profile, range } = reference ?? {};
  if (profile?.kind !== 'number' || !range) return [];
  return closedBoundaries({ edges: profile.edges, counts: profile.counts, min: range.min, max: range.max });
}

/** `histogram` has bins (before, end], stored edges are [edge, next): equal but for values that stand on an edge, which integers do. */
function countsSql(name: string, profile: NumberProfile | CategoryProfile | null | undefined): string {
  if (profile?.kind === 'category') {
    return `map_values(histogram(list_position(${listSqlOfText(profile.values)}, ${name}), range(1, ${profile.values.length + 1})))`;
  }
  const ends = (profile?.edges ?? []).map((edge) => (name === 'i1' ? edge - 1 : edge));
  return `map_values(histogram(CAST(${name} AS DOUBLE), ${listSql([...ends, Number.MAX_VALUE])}))`;
}

/** Different edges, in order: approximate quantiles of integers repeat. */
function bins(edges: readonly number[]): readonly number[] {
  return [...new Set(edges)].toSorted((a, b) => a - b);
}

function brokenIn(row: TableRow): number {
  return Object.entries(row).filter(
    ([name, value]) => name.startsWith('c') && !name.startsWith('counts') && value !== 0,
  ).length;
}

function named(expressions: readonly string[]): string {
  return expressions.map((sql, place) => `${sql} AS c${place}`).join(', ');
}

async function one(tables: Tables, sql: string): Promise<TableRow> {
  const [row = {}] = await tables.all(sql);
  return row;
}

function file(path: string): string {
  return `read_parquet(${literal(path)})`;
}

function texts(values: readonly string[]): string {
  return values.map(literal).join(', ');
}

function listSqlOfText(values: readonly string[]): string {
  return `[${texts(values)}]`;
}

function listSql(values: readonly number[]): string {
  return `CAST([${values.map(literalOf).join(', ')}] AS DOUBLE[])`;
}

function literalOf(value: number): string {
  return `'${value}'`;
}

function listOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}
