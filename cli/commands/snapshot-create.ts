import { join } from 'node:path';

import { createSnapshot } from '../../activities/data/create-snapshot.ts';
import type { SnapshotRequest } from '../../activities/data/contract.ts';
import type { SnapshotReference, SnapshotSource } from '../../domain/snapshot.ts';
import type { HistoryEntry } from '../../domain/snapshot-history.ts';
import { readHistory } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { dialectOf, type DialectOptions } from '../dialect.ts';
import { usageError } from '../errors.ts';
import { counted, describeEntry, shortName, signed, writingBucket } from '../snapshots.ts';

export type SnapshotCreateOptions = DialectOptions & {
  readonly from?: readonly string[];
  readonly prefix?: string;
  readonly branch?: string;
};

/** `perdura snapshot create`: seals what is there and moves the branch. What was sealed before stays where it is. */
export async function snapshotCreate(
  context: Context,
  dataset: string,
  options: SnapshotCreateOptions,
): Promise<number> {
  const { output } = context;
  const request = requestOf(dataset, options);
  const branch = request.branch ?? 'latest';
  return writingBucket(context, async ({ store, config }) => {
    const before = await readHistory(store, dataset);
    const { at, who } = signed(undefined, 'create');
    const snapshot = await createSnapshot(
      {
        store,
        cacheFolder: join(config.homeFolder, 'cache'),
        heartbeat: sayChanges(output.progress),
        now: () => at,
        who: () => who,
      },
      request,
    );
    const after = await readHistory(store, dataset);
    const entry =
      after?.entries.findLast((one) => one.to === snapshot.digest && one.name === branch && one.event !== 'tagged') ??
      null;
    const moved = entry !== null && !(before?.entries ?? []).some((one) => one.entryId === entry.entryId);
    output.answer({ snapshot, moved, entry }, () => describe(snapshot, moved, entry));
    return 0;
  });
}

function requestOf(dataset: string, options: SnapshotCreateOptions): SnapshotRequest {
  const { from, prefix, branch } = options;
  if (from !== undefined && prefix !== undefined)
    throw usageError(
      'INPUT_INVALID',
      'Arrivals (--from) and a prefix (--prefix) cannot make one snapshot. Give one of them.',
    );
  const dialect = dialectOf(options);
  return {
    dataset,
    from: sourceOf(from ?? ['all'], prefix),
    ...(branch === undefined ? {} : { branch }),
    ...(dialect === null ? {} : { dialect }),
  };
}

function sourceOf(from: readonly string[], prefix: string | undefined): SnapshotSource {
  if (prefix !== undefined) return { prefix };
  const [only, second] = from;
  return only !== undefined && second === undefined ? only : from;
}

/** A heartbeat comes every few seconds, the same again while it lasts; a person needs each word once. */
function sayChanges(progress: (line: string) => void): (note: string) => void {
  let last = '';
  return (note) => {
    if (note !== last) progress(note);
    last = note;
  };
}

function describe(snapshot: SnapshotReference, moved: boolean, entry: HistoryEntry | null): string {
  const sealed = `${shortName(snapshot)}: ${counted(snapshot.rows, 'row')}`;
  if (entry === null) return sealed;
  const told = moved
    ? describeEntry(snapshot.dataset, entry)
    : `Nothing has changed: ${snapshot.dataset}@${entry.name} is this already, data version ${entry.dataVersion}.`;
  return `${sealed}\n${told}`;
}
