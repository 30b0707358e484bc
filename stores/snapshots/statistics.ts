import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import { keepFirstDocument, readDocument } from '../documents.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { SnapshotName } from './manifest.ts';

/** What the values of a snapshot look like; null where nobody measured it, as after a merge. */
export async function readStatistics(store: ObjectStore, reference: SnapshotName): Promise<SnapshotStatistics | null> {
  return (await readDocument<SnapshotStatistics>(store, statisticsKey(reference)))?.value ?? null;
}

/** Writes down a snapshot's statistics and gives those that stand: the first stay, so that what drift was once compared with does not move. */
export async function keepStatistics(store: ObjectStore, statistics: SnapshotStatistics): Promise<SnapshotStatistics> {
  return keepFirstDocument(store, statisticsKey(statistics), statistics);
}

function statisticsKey({ dataset, digest }: SnapshotName): string {
  return `snapshots/${dataset}/${digest}.statistics.json`;
}
