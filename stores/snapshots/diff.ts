import { canonicalJson } from '../../domain/canonical-json.ts';
import { compareColumns, compareDistributions } from '../../domain/compare-columns.ts';
import { dataChange, newlyDeviating } from '../../domain/data-version.ts';
import type { SnapshotDiff } from '../../domain/snapshot-diff.ts';
import type { SnapshotManifest } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { compareFiles } from './compare-manifests.ts';
import { readManifest } from './manifest.ts';
import { readStatistics } from './statistics.ts';

/**
 * How two sealed snapshots of a dataset differ: files, rows, columns, distributions, and how large the change is. Reads the two roots, the
 * parts that only one has, and the statistics; never data.
 *
 * @throws CodedError NOT_FOUND when one was never sealed; EVIDENCE_ALTERED when a manifest is not what was sealed.
 */
export async function diffSnapshots(
  store: ObjectStore,
  dataset: string,
  from: string,
  to: string,
): Promise<SnapshotDiff> {
  const digests = [from, to] as const;
  const [older, newer] = await both(digests, (digest) => readManifest(store, { dataset, digest }));
  const [before, now] = await both(digests, (digest) => readStatistics(store, { dataset, digest }));
  const { files, change, reasons, columns } = await compareManifests(store, older, newer);
  return {
    dataset,
    from,
    to,
    change,
    reasons,
    files,
    columns,
    rows: { from: older.rows, to: newer.rows },
    distributions: before === null || now === null ? [] : compareDistributions(before, now),
  };
}

/** What a diff says without statistics. */
export async function compareManifests(
  store: ObjectStore,
  older: SnapshotManifest,
  newer: SnapshotManifest,
): Promise<Pick<SnapshotDiff, 'files' | 'columns' | 'change' | 'reasons'>> {
  const { files, repinned } = await compareFiles(store, older, newer);
  const columns = compareColumns(older.columns, newer.columns);
  const { added, removed, changed } = files;
  const counts = {
    added: added.length,
    removed: removed.length,
    changed: changed.length,
    repinned: repinned.length,
  };
  const dialect = canonicalJson(older.dialect) !== canonicalJson(newer.dialect);
  const deviating = newlyDeviating(older, newer);
  return { files, columns, ...dataChange({ files: counts, columns, deviating, dialect }) };
}

async function both<Result>(
  [one, other]: readonly [string, string],
  read: (digest: string) => Promise<Result>,
): Promise<readonly [Result, Result]> {
  return Promise.all([read(one), read(other)]);
}
