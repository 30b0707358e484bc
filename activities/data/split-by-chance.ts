import { CodedError } from '../../domain/errors.ts';
import type { SliceByChance, Snapshot } from '../../domain/snapshot.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import type { DataActivities, DataSplit } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { countParts, fetchedFiles, requireShare } from './split-parts.ts';
import { beating, inWorkArea, rowsText } from './work-area.ts';

type Request = Parameters<DataActivities['splitByChance']>[0];

/**
 * Cuts a snapshot in two by a hash of each row's values: about the share `holdout` of rows is held out, whatever their order, and rows that are
 * equal in the columns that count are all on one side. The same row falls on the same side in each later snapshot with the same seed.
 *
 * @throws CodedError INPUT_INVALID when the share is not inside (0, 1), the seed is no whole number, a column does not exist, or a part
 * would be empty.
 */
export async function splitByChance(deps: DataDependencies, request: Request): Promise<DataSplit> {
  requireShare(request.holdout);
  requireSeed(request.seed);
  const snapshot = await readSnapshot(deps.store, request.data);
  const { within } = request;
  // A part that was drawn already is cut at another place of the same order: two draws of one row would need two places.
  const { seed, by, from, before } = within?.chance ?? {
    seed: request.seed,
    by: columnsOf(snapshot, request.by),
    from: 0,
    before: 1,
  };
  const paths = await fetchedFiles(deps, snapshot);
  const part = (first: number, last: number) => {
    const chance: SliceByChance = { seed, by, from: first, before: last };
    return { ...within, snapshot: request.data, chance };
  };
  const cut = from + (before - from) * (1 - request.holdout);
  return beating(deps.heartbeat, `splitting ${rowsText(snapshot.rows)} by chance`, () =>
    inWorkArea(deps.cacheFolder, ({ tables }) =>
      countParts(tables, paths, {
        parts: { training: part(from, cut), holdout: part(cut, before) },
        how: (rows) =>
          `A hold-out of ${request.holdout} by chance leaves one part empty: ${rows.training} rows to train on and ${rows.holdout} held out. Choose another share, other columns in 'by', or more data.`,
      }),
    ),
  );
}

/** Each column of the data, unless some are named. */
function columnsOf({ dataset, columns }: Snapshot, by: readonly string[] | null): readonly string[] {
  const names = columns.map(({ name }) => name);
  const unknown = by?.find((name) => !names.includes(name));
  if (unknown !== undefined || by?.length === 0)
    throw new CodedError(
      'INPUT_INVALID',
      `Dataset ${dataset} cannot be split by chance: ${unknown === undefined ? "'by' names no column" : `column '${unknown}' does not exist`}. It has ${names.join(', ')}.`,
    );
  return by ?? names;
}

function requireSeed(seed: number): void {
  if (Number.isSafeInteger(seed)) return;
  throw new CodedError('INPUT_INVALID', `A seed of ${seed} is no whole number. Give one, such as 7.`);
}
