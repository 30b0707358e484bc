import { CodedError } from '../../domain/errors.ts';
import type { DataSlice, Snapshot } from '../../domain/snapshot.ts';
import { localParquet } from '../../stores/data-files.ts';
import { relationSql, sliceSql } from '../../stores/slices.ts';
import type { Tables } from '../../stores/tables.ts';
import type { DataSplit } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { beating } from './work-area.ts';

/** Two slices whose rows were not counted yet. */
export type Uncounted = Readonly<Record<keyof DataSplit, Omit<DataSlice, 'rows'>>>;

/** @throws CodedError INPUT_INVALID unless the share lies inside (0, 1). */
export function requireShare(holdout: number): void {
  if (holdout > 0 && holdout < 1) return;
  throw new CodedError('INPUT_INVALID', `A hold-out of ${holdout} is not a share. Give one inside (0, 1).`);
}

/** The local Parquet files of a snapshot; a heartbeat says which one is fetched. */
export async function fetchedFiles(deps: DataDependencies, snapshot: Snapshot): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const file of snapshot.files) {
    paths.push(await beating(deps.heartbeat, `fetching ${file.key}`, () => localParquet(deps, file, snapshot)));
  }
  return paths;
}

/**
 * Counts the rows of both parts in one scan.
 *
 * @param how - how it was cut, for a person: `by date`.
 * @throws CodedError INPUT_INVALID when one of them would be empty.
 */
export async function countParts(
  tables: Tables,
  paths: readonly string[],
  {
    parts,
    how,
  }: { readonly parts: Uncounted; readonly how: (rows: Readonly<Record<keyof DataSplit, number>>) => string },
): Promise<DataSplit> {
  const [training, holdout] = [
    { ...parts.training, rows: 0 },
    { ...parts.holdout, rows: 0 },
  ];
  const [row] = await tables.all(
    `SELECT count_if(${sliceSql(training)}) AS training, count_if(${sliceSql(holdout)}) AS holdout FROM ${relationSql(paths)}`,
  );
  const rows = { training: Number(row?.['training']), holdout: Number(row?.['holdout']) };
  if (rows.training === 0 || rows.holdout === 0) throw new CodedError('INPUT_INVALID', how(rows));
  return { training: { ...training, rows: rows.training }, holdout: { ...holdout, rows: rows.holdout } };
}
