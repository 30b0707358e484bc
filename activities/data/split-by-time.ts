import { CodedError } from '../../domain/errors.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { localParquet } from '../../stores/data-files.ts';
import { relationSql, sliceSql } from '../../stores/slices.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import type { DataActivities, DataSplit } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { beating, inWorkArea, rowsText } from './work-area.ts';

type Request = Parameters<DataActivities['splitByTime']>[0];

/**
 * Cuts a snapshot in two at the time where the newest `holdout` share of rows begins (the discrete quantile from the newest end).
 * Rows at that very time all belong to the hold-out, so no moment is on both sides; rows without a time are in neither part.
 *
 * @throws CodedError INPUT_INVALID when the share is not inside (0, 1), the column is missing in a file or no timestamp, or a part
 * would be empty.
 */
export async function splitByTime(deps: DataDependencies, request: Request): Promise<DataSplit> {
  if (!(request.holdout > 0 && request.holdout < 1)) {
    throw new CodedError('INPUT_INVALID', `A hold-out of ${request.holdout} is not a share. Give one inside (0, 1).`);
  }
  const snapshot = await readSnapshot(deps.store, request.data);
  requireTimestamp(snapshot, request.column);
  const paths: string[] = [];
  for (const file of snapshot.files) {
    paths.push(await beating(deps.heartbeat, `fetching ${file.key}`, () => localParquet(deps, file, snapshot)));
  }
  return beating(deps.heartbeat, `splitting ${rowsText(snapshot.rows)} by ${request.column}`, () =>
    inWorkArea(deps.cacheFolder, ({ tables }) => split(tables, paths, request)),
  );
}

function requireTimestamp(snapshot: Snapshot, name: string): void {
  const column = snapshot.columns.find((candidate) => candidate.name === name);
  const lacking = snapshot.deviations.find((deviation) => deviation.missing.includes(name));
  if (column?.type === 'timestamp' && lacking === undefined) return;
  const problem =
    column === undefined
      ? 'does not exist'
      : lacking === undefined
        ? `is of type ${column.type}`
        : `is missing in ${lacking.key}`;
  throw new CodedError(
    'INPUT_INVALID',
    `Dataset ${snapshot.dataset} cannot be split by time: column '${name}' ${problem}. Name a timestamp column that every file has.`,
  );
}

async function split(tables: Tables, paths: readonly string[], request: Request): Promise<DataSplit> {
  const cut = await cutTime(tables, paths, request);
  const snapshot = request.data;
  const column = request.column;
  const training = { snapshot, time: { column, before: cut }, rows: 0 };
  const holdout = { snapshot, time: { column, from: cut }, rows: 0 };
  const [row] = await tables.all(
    `SELECT count_if(${sliceSql(training)}) AS training, count_if(${sliceSql(holdout)}) AS holdout FROM ${relationSql(paths)}`,
  );
  const rows = { training: Number(row?.['training']), holdout: Number(row?.['holdout']) };
  if (rows.training === 0 || rows.holdout === 0) {
    throw new CodedError(
      'INPUT_INVALID',
      `A hold-out of ${request.holdout} by ${column} leaves one part empty: cut at ${cut}, ${rows.training} rows before and ${rows.holdout} from it. Choose another share or more data.`,
    );
  }
  return { training: { ...training, rows: rows.training }, holdout: { ...holdout, rows: rows.holdout } };
}

/** ISO 8601 with all six digits of a microsecond: three would move rows over the cut. */
async function cutTime(tables: Tables, paths: readonly string[], request: Request): Promise<string> {
  const time = `CAST(${identifier(request.column)} AS TIMESTAMP)`;
  const [row] = await tables.all(
    `SELECT strftime(percentile_disc(${request.holdout}) WITHIN GROUP (ORDER BY ${time} DESC), '%Y-%m-%dT%H:%M:%S.%fZ') AS cut
     FROM ${relationSql(paths)}`,
  );
  const cut = row?.['cut'];
  if (typeof cut === 'string') return cut;
  throw new CodedError(
    'INPUT_INVALID',
    `No row of ${request.data.dataset} has a time in '${request.column}', so it cannot be split. Name another column.`,
  );
}
