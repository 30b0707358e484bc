import type { DataFrame } from 'danfojs-node';
import { CodedError } from '../domain/errors.ts';
import type { Column, ColumnType, DataSlice, Snapshot } from '../domain/snapshot.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { openSlice, relationSql } from './slices.ts';
import { readSnapshot } from './snapshots/manifest.ts';
import { identifier, openTables, type Tables } from './tables.ts';

/** What a frame holds of a slice. */
export type FrameOptions = {
  /** The columns, in this order; all of the snapshot's unless said. */
  readonly columns?: readonly string[];
  /** At most this many rows, taken at equal distances in file order: the same slice gives the same rows, always. */
  readonly sample?: number;
  /** What stands in for a missing value (null, NaN, a column that a file lacks), by column. */
  readonly fill?: Readonly<Record<string, number | string | boolean>>;
};

type Request = { readonly columns: readonly Column[]; readonly slice: DataSlice; readonly options: FrameOptions };

/** A frame lives on the JavaScript heap and danfojs keeps it twice: about 130 bytes a cell. */
const mostCells = 3_000_000;

/**
 * A slice of data as a danfojs DataFrame, for an author's own activities on small tables; scans, sorts and joins of much data belong to
 * DuckDB. Integers and decimals become numbers (exact up to 2^53), timestamps ISO text, nested values text.
 *
 * Missing values are refused unless `fill` says what they become: danfojs counts null as 0 in a group's mean, and NaN spoils it.
 * danfojs-node is an optional peer: it is loaded when this is called, not before.
 *
 * @throws CodedError INPUT_INVALID when danfojs-node is not installed, a column does not exist or has missing values without a fill,
 * a fill is of another type than its column, the slice has no row, or the frame would be too large.
 *
 * @example
 * const flights = await frame(store, cacheFolder, holdout, { columns: ['origin', 'delay'], sample: 50_000 });
 * flights.groupby(['origin']).col(['delay']).mean().print();
 */
export async function frame(
  store: ObjectStore,
  cacheFolder: string,
  data: DataSlice,
  options: FrameOptions = {},
): Promise<DataFrame> {
  const danfo = await loadDanfo();
  const snapshot = await readSnapshot(store, data.snapshot);
  const request = { columns: chosenColumns(snapshot, options), slice: data, options };
  refuseUnfitFill(request);
  refuseLarge(request);
  const { parquetFiles, where } = await openSlice({ store, cacheFolder }, data);
  const tables = await openTables();
  try {
    const values = await readColumns(tables, selection(parquetFiles, where, request), request);
    return new danfo.DataFrame(values, { dtypes: request.columns.map(frameType) });
  } finally {
    tables.close();
  }
}

async function loadDanfo(): Promise<typeof import('danfojs-node')> {
  try {
    return await import('danfojs-node');
  } catch (cause) {
    throw new CodedError(
      'INPUT_INVALID',
      `A frame needs the package danfojs-node, which cannot be loaded. Put into package.json "overrides": { "danfojs-node": { ` +
        `"@tensorflow/tfjs-node": "npm:@tensorflow/tfjs@4.22.0", "request": "npm:@cypress/request@3.0.10", ` +
        `"xlsx": "npm:@e965/xlsx@0.20.3" } }, then run 'npm install danfojs-node@1.2.0'.`,
      { cause },
    );
  }
}

function chosenColumns(snapshot: Snapshot, options: FrameOptions): readonly Column[] {
  const names = options.columns ?? snapshot.columns.map((column) => column.name);
  return names.map((name) => {
    const column = snapshot.columns.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    const known = snapshot.columns.map((candidate) => candidate.name).join(', ');
    throw new CodedError(
      'INPUT_INVALID',
      `Dataset ${snapshot.dataset} has no column '${name}'. Choose among: ${known}.`,
    );
  });
}

/** Said, since danfojs would guess it from the first values. */
function frameType({ type }: Column): string {
  const types: Partial<Record<ColumnType, string>> = { integer: 'int32', number: 'float32', boolean: 'boolean' };
  return types[type] ?? 'string';
}

function refuseUnfitFill({ columns, options }: Request): void {
  for (const [name, value] of Object.entries(options.fill ?? {})) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) continue;
    const wanted = { int32: 'number', float32: 'number', boolean: 'boolean' }[frameType(column)] ?? 'string';
    if (typeof value === wanted && !Number.isNaN(value)) continue;
    throw new CodedError(
      'INPUT_INVALID',
      `Column '${name}' is of type ${column.type}; '${value}' cannot stand in for its missing values. Give a ${wanted}.`,
    );
  }
}

function refuseLarge({ columns, slice, options }: Request): void {
  if (options.sample !== undefined && !(Number.isSafeInteger(options.sample) && options.sample > 0)) {
    throw new CodedError('INPUT_INVALID', `A sample of ${options.sample} rows is none. Give a whole number above 0.`);
  }
  const rows = Math.min(slice.rows, options.sample ?? slice.rows);
  if (rows * columns.length <= mostCells) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A frame of ${rows} rows and ${columns.length} columns is too large (at most ${mostCells} cells). Give a smaller sample or fewer columns, or scan with DuckDB.`,
  );
}

/** The n-th row of `total` is taken where n·sample/total passes a whole number: exactly `sample` rows, without randomness. */
function selection(files: readonly string[], where: string, { columns, slice, options }: Request): string {
  const values = columns.map((column) => `${valueSql(column)} AS ${identifier(column.name)}`).join(', ');
  const rows = `SELECT ${values}, row_number() OVER (ORDER BY file_index, file_row_number) AS "perdura row"
    FROM ${relationSql(files)} WHERE ${where}`;
  const n = '"perdura row"::HUGEINT';
  const { sample } = options;
  const taken =
    sample === undefined || sample >= slice.rows
      ? 'true'
      : `(${n} * ${sample}) // ${slice.rows} > ((${n} - 1) * ${sample}) // ${slice.rows}`;
  return `SELECT * EXCLUDE ("perdura row") FROM (${rows}) WHERE ${taken} ORDER BY "perdura row"`;
}

function valueSql({ name, type }: Column): string {
  const column = identifier(name);
  switch (type) {
    case 'integer':
    case 'number':
      return `nullif(CAST(${column} AS DOUBLE), CAST('NaN' AS DOUBLE))`;
    case 'timestamp':
      return `strftime(CAST(${column} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ')`;
    case 'boolean':
      return column;
    case 'string':
    case 'other':
      return `CAST(${column} AS VARCHAR)`;
    default:
      return type satisfies never;
  }
}

async function readColumns(
  tables: Tables,
  sql: string,
  { columns, slice, options }: Request,
): Promise<Readonly<Record<string, unknown[]>>> {
  const arrays = columns.map((column) => ({ name: column.name, values: [] as unknown[], missing: 0 }));
  for await (const chunk of tables.columnChunks(sql)) {
    for (const [index, array] of arrays.entries()) {
      for (const found of chunk[index] ?? []) {
        const value = found ?? options.fill?.[array.name] ?? null;
        if (value === null) array.missing += 1;
        array.values.push(value);
      }
    }
  }
  refuseEmpty(arrays, slice);
  return Object.fromEntries(arrays.map((array) => [array.name, array.values]));
}

function refuseEmpty(
  arrays: readonly { readonly name: string; readonly values: readonly unknown[]; readonly missing: number }[],
  slice: DataSlice,
): void {
  if ((arrays[0]?.values.length ?? 0) === 0) {
    throw new CodedError(
      'INPUT_INVALID',
      `The slice of ${slice.snapshot.dataset} has no row or no column, and danfojs has no empty frame. Take another slice.`,
    );
  }
  const holed = arrays.filter((array) => array.missing > 0).map((array) => `${array.name} (${array.missing})`);
  if (holed.length === 0) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A frame takes no missing values, and these columns have some: ${holed.join(', ')}. Say what they become with 'fill', or leave the columns out.`,
  );
}
