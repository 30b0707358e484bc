import type { DataSlice } from '../domain/snapshot.ts';
import { type DataFolder, localParquet } from './data-files.ts';
import { readSnapshot } from './snapshots/manifest.ts';
import { identifier, literal, pathLiteral } from './tables.ts';

/**
 * The condition that a row of the slice fulfils, as SQL text; `true` for a whole snapshot. A row without a time is in no slice that
 * has a bound. Bounds keep microseconds, and the time zone is UTC.
 */
export function sliceSql(slice: DataSlice): string {
  if (slice.time === undefined) return 'true';
  const time = `CAST(${identifier(slice.time.column)} AS TIMESTAMP)`;
  const bounds = [
    ...(slice.time.from === undefined ? [] : [`${time} >= CAST(${literal(slice.time.from)} AS TIMESTAMP)`]),
    ...(slice.time.before === undefined ? [] : [`${time} < CAST(${literal(slice.time.before)} AS TIMESTAMP)`]),
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
