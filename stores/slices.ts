import type { DataSlice, SliceByChance } from '../domain/snapshot.ts';
import { type DataFolder, localParquet } from './data-files.ts';
import { readSnapshot } from './snapshots/manifest.ts';
import { identifier, literal, pathLiteral } from './tables.ts';

/**
 * The condition that a row of the slice fulfils, as SQL text; `true` for a whole snapshot. A row without a time is in no slice that
 * has a bound. Bounds keep microseconds, and the time zone is UTC.
 */
export function sliceSql(slice: DataSlice): string {
  const conditions = [
    ...(slice.time === undefined ? [] : [timeSql(slice.time)]),
    ...(slice.chance === undefined ? [] : [chanceSql(slice.chance)]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/**
 * A row's place in [0, 1): the upper 52 bits of the MD5 of the seed and its values. A null is not an empty text; the values' own text is
 * DuckDB's.
 */
function chanceSql({ seed, by, from, before }: SliceByChance): string {
  const values = by.map((name) => `coalesce('v' || CAST(${identifier(name)} AS VARCHAR), 'n')`);
  const text = [literal(String(seed)), ...values].join(', chr(31), ');
  const place = `CAST(('0x' || substr(md5(concat(${text})), 1, 13)) AS BIGINT) / 4503599627370496.0`;
  return `(${place} >= ${String(from)} AND ${place} < ${String(before)})`;
}

function timeSql(slice: NonNullable<DataSlice['time']>): string {
  const time = `CAST(${identifier(slice.column)} AS TIMESTAMP)`;
  const bounds = [
    ...(slice.from === undefined ? [] : [`${time} >= CAST(${literal(slice.from)} AS TIMESTAMP)`]),
    ...(slice.before === undefined ? [] : [`${time} < CAST(${literal(slice.before)} AS TIMESTAMP)`]),
  ];
  return bounds.length === 0 ? 'true' : bounds.join(' AND ');
}

/** The local Parquet files of a slice's snapshot, in the snapshot's order; files that are not there yet are fetched. */
export async function sliceFiles(folder: DataFolder, slice: DataSlice): Promise<readonly string[]> {
  const snapshot = await readSnapshot(folder.store, slice.snapshot);
  const paths: string[] = [];
  for (const file of snapshot.files) paths.push(await localParquet(folder, file, snapshot));
  return paths;
}

/** Local Parquet files as one relation: columns are matched by name, and one that a file lacks is null there. */
export function relationSql(files: readonly string[]): string {
  return `read_parquet([${files.map(pathLiteral).join(', ')}], union_by_name = true)`;
}

/** A slice made ready for a scan: local files and the condition on their rows. */
export async function openSlice(
  folder: DataFolder,
  slice: DataSlice,
): Promise<{ readonly parquetFiles: readonly string[]; readonly where: string }> {
  return { parquetFiles: await sliceFiles(folder, slice), where: sliceSql(slice) };
}
