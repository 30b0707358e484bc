import { mergeStatistics, type SnapshotStatistics, subtractStatistics } from '../../domain/column-statistics.ts';
import type { Column, SnapshotReference } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { keepStatistics, readStatistics } from './statistics.ts';

/** The snapshots of a three-way merge, by digest; `base` null where the sides never met. */
export type MergedSnapshots = {
  readonly merged: SnapshotReference;
  readonly columns: readonly Column[];
  readonly base: string | null;
  readonly ours: string;
  readonly theirs: string;
};

/**
 * Writes down the statistics of a merged snapshot, from those of the three that it came from: ours and theirs without what both have of the
 * base. Counts are exact, no data is read. It is for a merge in which no file was changed alike on both sides: that file would count twice.
 * Where one of the three was never measured, or over other edges, or has a column of another type, nothing is written: who needs them measures.
 */
export async function keepMergedStatistics(store: ObjectStore, snapshots: MergedSnapshots): Promise<void> {
  const { merged, base, columns } = snapshots;
  if (base === null) return;
  const { dataset, digest } = merged;
  const of = (side: string) => readStatistics(store, { dataset, digest: side });
  const [before, ours, theirs] = await Promise.all([of(base), of(snapshots.ours), of(snapshots.theirs)]);
  if (before === null || ours === null || theirs === null) return;
  const { edgesFrom } = before;
  if (![ours, theirs].every((side) => side.edgesFrom === edgesFrom)) return;
  if (![before, ours, theirs].every((side) => hasTypes(side, columns))) return;
  const all = subtractStatistics(mergeStatistics(ours, theirs), before);
  if (all.rows !== merged.rows) return;
  const names = new Set(columns.map(({ name }) => name));
  const own = Object.fromEntries(Object.entries(all.columns).filter(([name]) => names.has(name)));
  await keepStatistics(store, { dataset, digest, edgesFrom, rows: all.rows, columns: own });
}

function hasTypes({ columns }: SnapshotStatistics, wanted: readonly Column[]): boolean {
  return wanted.every(({ name, type }) => !Object.hasOwn(columns, name) || columns[name]?.type === type);
}
