import {
  type MeasuredStatistics,
  mergeStatistics,
  type SnapshotStatistics,
  subtractStatistics,
} from '../../domain/column-statistics.ts';
import type { Column, SnapshotReference } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { LocalFile } from '../../stores/snapshots/describe-files.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { keepStatistics, readStatistics } from '../../stores/snapshots/statistics.ts';
import type { Tables } from '../../stores/tables.ts';
import type { FileComparison, Parent } from './parent-snapshot.ts';

/** What a new snapshot's statistics are made from; files are only fetched where they are asked for. */
export type StatisticsSources = {
  readonly reference: SnapshotReference;
  readonly columns: readonly Column[];
  readonly parent: Parent | null;
  /** Whether the parent's columns kept their types, so that its counts still say something. */
  readonly alike: boolean;
  readonly compared: FileComparison;
  readonly added: readonly LocalFile[];
  readonly kept: () => Promise<readonly LocalFile[]>;
  readonly gone: () => Promise<readonly LocalFile[]>;
};

/**
 * Writes down a snapshot's statistics, unless they stand already: over the parent's edges, so that the two can be compared. Where most of
 * the parent's rows stay, the new files' counts are added to its counts and those of files that went are taken away.
 */
export async function keepSnapshotStatistics(
  store: ObjectStore,
  tables: Tables,
  sources: StatisticsSources,
): Promise<SnapshotStatistics> {
  const { dataset, digest } = sources.reference;
  const standing = await readStatistics(store, sources.reference);
  if (standing !== null) return standing;
  const base = sources.parent === null ? null : await readStatistics(store, { dataset, digest: sources.parent.digest });
  const measured = await measuredFrom(tables, base, sources);
  return keepStatistics(store, { dataset, digest, edgesFrom: base?.edgesFrom ?? digest, ...measured });
}

async function measuredFrom(
  tables: Tables,
  base: SnapshotStatistics | null,
  sources: StatisticsSources,
): Promise<MeasuredStatistics> {
  const { columns, compared, added, alike } = sources;
  const paths = (files: readonly LocalFile[]): readonly string[] => files.map(({ path }) => path);
  const measure = (files: readonly LocalFile[]): Promise<MeasuredStatistics> =>
    measureStatistics(tables, paths(files), columns, base ?? undefined);
  const goneRows = compared.gone.reduce((sum, file) => sum + file.rows, 0);
  if (base === null || !alike || goneRows > compared.keptRows) return measure([...(await sources.kept()), ...added]);
  const gone = compared.gone.length === 0 ? null : await measure(await sources.gone());
  const left = gone === null ? base : subtractStatistics(base, gone);
  const all = added.length === 0 ? left : mergeStatistics(left, await measure(added));
  return { rows: all.rows, columns: ofColumns(all, columns) };
}

function ofColumns(all: MeasuredStatistics, columns: readonly Column[]): MeasuredStatistics['columns'] {
  const names = new Set(columns.map(({ name }) => name));
  return Object.fromEntries(Object.entries(all.columns).filter(([name]) => names.has(name)));
}
