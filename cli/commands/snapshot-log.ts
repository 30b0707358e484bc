import { CodedError } from '../../domain/errors.ts';
import type { SnapshotHistory } from '../../domain/snapshot-history.ts';
import { requireDataset } from '../../stores/datasets.ts';
import { readHistory } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { suggestion } from '../nearest.ts';
import { heading, table } from '../output.ts';
import { entryRow, readingBucket } from '../snapshots.ts';

export type SnapshotLogOptions = { readonly branch?: string; readonly limit: number };

/** `perdura snapshot log`: what moved in a dataset, newest first. */
export async function snapshotLog(context: Context, dataset: string, options: SnapshotLogOptions): Promise<number> {
  const { output } = context;
  requireDataset(dataset);
  return readingBucket(context, async ({ store }) => {
    const history = await readHistory(store, dataset);
    if (history === null) throw noHistory(dataset);
    if (options.branch !== undefined && !Object.hasOwn(history.branches, options.branch))
      throw noBranch(history, options.branch);
    const entries = history.entries
      .filter((entry) => options.branch === undefined || (entry.name === options.branch && entry.event !== 'tagged'))
      .toReversed()
      .slice(0, options.limit);
    const shown = { ...history, entries };
    output.answer(shown, () => describe(shown));
    return 0;
  });
}

function describe({ branches, tags, entries }: SnapshotHistory): string {
  const names = [
    ...Object.entries(branches).map(([name, at]) => ['branch', name, at.dataVersion, at.digest.slice(0, 12)]),
    ...Object.entries(tags).map(([name, at]) => ['tag', name, at.dataVersion, at.digest.slice(0, 12)]),
  ];
  const moves = table(['AT', 'EVENT', 'NAME', 'VERSION', 'SNAPSHOT', 'WHO', 'WHY', 'REASONS'], entries.map(entryRow));
  return `${table(['KIND', 'NAME', 'VERSION', 'SNAPSHOT'], names)}\n\n${heading('Moves')}\n${moves}`;
}

function noHistory(dataset: string): CodedError {
  return new CodedError(
    'NOT_FOUND',
    `Dataset '${dataset}' has no snapshots. Make one with 'perdura snapshot create ${dataset}'.`,
    { details: { dataset } },
  );
}

function noBranch(history: SnapshotHistory, branch: string): CodedError {
  const names = Object.keys(history.branches);
  return new CodedError(
    'NOT_FOUND',
    `Dataset '${history.dataset}' has no branch '${branch}'.${suggestion(branch, names)} It has: ${names.join(', ')}.`,
    { details: { dataset: history.dataset, branch } },
  );
}
