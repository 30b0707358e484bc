import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { DataSchema, DriftStatistic } from '../../domain/expectation.ts';
import type { Column, ColumnType } from '../../domain/snapshot.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';

/** The two files of the bench, and the statistics of the reference as a snapshot keeps them. */
export type GateData = { readonly current: string; readonly reference: string; readonly statistics: string };

export const gateRows = 10_000_000;
export const colors = ['red', 'green', 'blue', 'black', 'white'];
export const countries = ['de', 'fr', 'it', 'es', 'pl', 'nl', 'be', 'at', 'ch', 'dk', 'se', 'no'];
export const channels = ['web', 'app', 'shop'];
export const airports = Array.from({ length: 301 }, (_, place) => `A${String(place).padStart(3, '0')}`);

/** Five columns, each by another statistic. */
export const drifting: readonly { readonly column: string; readonly statistic: DriftStatistic }[] = [
  { column: 'n1', statistic: 'psi' },
  { column: 'n2', statistic: 'ks' },
  { column: 'n3', statistic: 'wasserstein' },
  { column: 'i1', statistic: 'jensenShannon' },
  { column: 'airport', statistic: 'lInfinity' },
];

/** Columns with values in every row; those with bounds, none of which is broken; those with a list of values. */
export const bounded = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'i1', 'i2', 'i3', 'i4', 'i5'] as const;
export const bounds = { min: -1_000, max: 100_000_000 };
export const listed = { airport: airports, color: colors, country: countries, channel: channels };
export const nullable = ['n5', 'i4'];

export const columns: readonly Column[] = [
  ['id', 'integer'],
  ['at', 'timestamp'],
  ...['n1', 'n2', 'n3', 'n4', 'n5', 'n6'].map((name) => [name, 'number'] as const),
  ...['i1', 'i2', 'i3', 'i4', 'i5'].map((name) => [name, 'integer'] as const),
  ...['airport', 'color', 'country', 'channel'].map((name) => [name, 'string'] as const),
  ['flag', 'boolean'],
  ['rare', 'boolean'],
  ['code', 'string'],
].map(([name, type]) => ({ name: name ?? '', type: type as ColumnType }));

/** The checks of the bench as a user would write them: 20 types, 18 without nulls, 11 ranges, 4 lists, one key; five times drift where asked. */
export function gateSchema(sides: { readonly drift: 'with' | 'without' }): DataSchema {
  const against = { snapshot: 'flat@reference' };
  const drift = drifting.map((each) => ({ kind: 'drift', ...each, atMost: 0.1, against }) as const);
  return {
    dataset: 'flat',
    expectations: [
      ...columns.map(({ name, type }) => ({ kind: 'type', column: name, type }) as const),
      ...present().map((column) => ({ kind: 'notNull', column }) as const),
      ...bounded.map((column) => ({ kind: 'between', column, ...bounds }) as const),
      ...Object.entries(listed).map(([column, values]) => ({ kind: 'oneOf', column, values }) as const),
      { kind: 'unique', columns: ['id'] },
      ...(sides.drift === 'with' ? drift : []),
    ],
  };
}

/** Names of the columns that have a value in every row. */
export function present(): readonly string[] {
  return columns.map(({ name }) => name).filter((name) => !nullable.includes(name));
}

/** Makes both files once under the folder for temporary files, the same each time, and measures the reference. */
export async function gateData(): Promise<GateData> {
  const folder = join(tmpdir(), 'perdura-bench-gate-1');
  const data = {
    current: join(folder, 'current.parquet'),
    reference: join(folder, 'reference.parquet'),
    statistics: join(folder, 'reference.statistics.json'),
  };
  await mkdir(folder, { recursive: true });
  const tables = await openTables({ memoryLimit: '2GiB', temporaryFolder: join(folder, 'spill') });
  try {
    await writeOnce(tables, data.reference, 0);
    await writeOnce(tables, data.current, 1_000);
    if (!existsSync(data.statistics)) {
      const measured = await measureStatistics(tables, [data.reference], columns);
      await writeFile(data.statistics, JSON.stringify(measured));
    }
  } finally {
    tables.close();
    await rm(join(folder, 'spill'), { recursive: true, force: true });
  }
  return data;
}

/** Reads what `gateData` measured. */
export async function readReference(path: string): Promise<Pick<SnapshotStatistics, 'rows' | 'columns'>> {
  return JSON.parse(await readFile(path, 'utf8')) as Pick<SnapshotStatistics, 'rows' | 'columns'>;
}

async function writeOnce(tables: Tables, path: string, seed: number): Promise<void> {
  if (existsSync(path)) return;
  await tables.all(`COPY (${rowsSql(seed)}) TO ${literal(`${path}.part`)} (FORMAT parquet)`);
  await rename(`${path}.part`, path);
}

/** Random by hash of row and column, so that threads do not matter (DuckDB's hash of two values is not even enough): normal, log-normal, even, skewed, nulls, few values, many values. */
function rowsSql(seed: number): string {
  const even = (column: number): string => `((hash(i * 4096 + ${column + seed}) >> 11) / 9007199254740992.0)`;
  const normal = (column: number): string =>
    `(sqrt(-2 * ln(${even(column)} + 1e-12)) * cos(2 * pi() * ${even(column + 1)}))`;
  const oneOf = (values: readonly string[], column: number): string =>
    `([${values.map(literal).join(', ')}])[1 + CAST(floor(${even(column)} * ${values.length}) AS INTEGER)]`;
  return `SELECT i * 7919 % 10000019 AS id, TIMESTAMP '2026-01-01' + to_microseconds(CAST(i * 3100 AS BIGINT)) AS "at",
    ${normal(10)} AS n1, 3 + 2 * ${normal(12)} AS n2, exp(${normal(14)}) AS n3, ${even(16)} * 100 AS n4,
    CASE WHEN ${even(17)} >= 0.05 THEN ${even(18)} END AS n5, CAST(${normal(19)} AS FLOAT) AS n6,
    CAST(${even(30)} * 1000 AS INTEGER) AS i1, CAST(exp(${normal(31)}) * 100 AS BIGINT) AS i2,
    CAST(${even(33)} * ${even(38)} * 10 AS SMALLINT) AS i3, CASE WHEN ${even(34)} >= 0.02 THEN CAST(${even(35)} * 1e6 AS BIGINT) END AS i4,
    CAST(${even(36)} * 4e6 AS BIGINT) AS i5,
    'A' || lpad(CAST(CAST(pow(${even(40)}, 2) * 300 AS INTEGER) AS VARCHAR), 3, '0') AS airport,
    ${oneOf(colors, 41)} AS color, ${oneOf(countries, 42)} AS country, ${oneOf(channels, 43)} AS channel,
    ${even(44)} < 0.3 AS flag, ${even(45)} < 0.01 AS rare,
    md5(CAST(CAST(${even(46)} * 5e6 AS BIGINT) AS VARCHAR))[1:12] AS code
  FROM range(${gateRows}) AS numbers(i)`;
}
