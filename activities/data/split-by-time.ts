import { CodedError } from '../../domain/errors.ts';
import type { DataSlice, Snapshot } from '../../domain/snapshot.ts';
import { relationSql, sliceSql } from '../../stores/slices.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import type { DataActivities, DataSplit } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { countParts, fetchedFiles, requireShare } from './split-parts.ts';
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
  requireShare(request.holdout);
  const snapshot = await readSnapshot(deps.store, request.data);
  requireTimestamp(snapshot, request.column);
  const paths = await fetchedFiles(deps, snapshot);
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
  const { column, within } = request;
  requireSameColumn(column, within);
  const cut = await cutTime(tables, paths, request);
  const whole = { ...within, snapshot: request.data };
  return countParts(tables, paths, {
    parts: {
      training: { ...whole, time: { ...within?.time, column, before: cut } },
      holdout: { ...whole, time: { ...within?.time, column, from: cut } },
    },
    how: (rows) =>
      `A hold-out of ${request.holdout} by ${column} leaves one part empty: cut at ${cut}, ${rows.training} rows before and ${rows.holdout} from it. Choose another share or more data.`,
  });
}

function requireSameColumn(column: string, within: DataSlice | undefined): void {
  if (within?.time === undefined || within.time.column === column) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A slice by '${within.time.column}' cannot be cut by '${column}' again. Cut it by the same column, or by chance.`,
  );
}

/** ISO 8601 with all six digits of a microsecond: three would move rows over the cut. */
async function cutTime(tables: Tables, paths: readonly string[], request: Request): Promise<string> {
  const time = `CAST(${identifier(request.column)} AS TIMESTAMP)`;
  const [row] = await tables.all(
    `SELECT strftime(percentile_disc(${request.holdout}) WITHIN GROUP (ORDER BY ${time} DESC), '%Y-%m-%dT%H:%M:%S.%fZ') AS cut
     FROM ${relationSql(paths)} WHERE ${request.within === undefined ? 'true' : sliceSql(request.within)}`,
  );
  const cut = row?.['cut'];
  if (typeof cut === 'string') return cut;
  throw new CodedError(
    'INPUT_INVALID',
    `No row of ${request.data.dataset} has a time in '${request.column}', so it cannot be split. Name another column.`,
  );
}
