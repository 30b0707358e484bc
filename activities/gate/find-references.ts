import { join } from 'node:path';
import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import { durationMs } from '../../domain/duration.ts';
import { isCoded } from '../../domain/errors.ts';
import type { DistributionReference } from '../../domain/expectation.ts';
import type { Column, SnapshotReference } from '../../domain/snapshot.ts';
import { sliceFiles } from '../../stores/slices.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { readManifest } from '../../stores/snapshots/manifest.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { keepStatistics, readStatistics } from '../../stores/snapshots/statistics.ts';
import { trafficFiles } from '../../stores/traffic.ts';
import { referenceName } from '../../domain/distribution.ts';
import type { DataDependencies } from '../data/dependencies.ts';
import type { WorkArea } from '../data/work-area.ts';
import type { Reference } from './distributions.ts';
import { writeRequests } from './requests-as-rows.ts';

/** What references are looked up for: the dataset's columns, and what was accepted before. */
export type LookUp = {
  readonly dataset: string;
  readonly columns: readonly Column[];
  readonly previous: SnapshotReference | null;
  /** ISO 8601. */
  readonly now: string;
};

/** Finds what a distribution is held against; null where it does not exist. An endpoint's requests are read as rows of the dataset. */
export async function findReference(
  deps: DataDependencies,
  area: WorkArea,
  lookUp: LookUp & { readonly against: DistributionReference },
): Promise<Reference | null> {
  const { against, dataset, previous } = lookUp;
  if (against === 'previous') {
    if (previous === null) return null;
    const name = `previous (${dataset}@${previous.digest.slice(0, 12)})`;
    return { name, statistics: await statisticsOf(deps, area, previous) };
  }
  if ('snapshot' in against) {
    const name = against.snapshot.includes('@') ? against.snapshot : `${dataset}@${against.snapshot}`;
    const found = await existing(() => resolveSnapshot(deps.store, name));
    return found === null ? null : { name, statistics: await statisticsOf(deps, area, found) };
  }
  return requestsTo(deps, area, { ...lookUp, against });
}

/** The local files of a named snapshot; null where it does not exist. */
export async function findReferenceFiles(deps: DataDependencies, name: string): Promise<readonly string[] | null> {
  const found = await existing(() => resolveSnapshot(deps.store, name));
  return found === null ? null : sliceFiles(deps, { snapshot: found, rows: found.rows });
}

/** A snapshot's own statistics; counted and written down now where it was sealed without. */
export async function statisticsOf(
  deps: DataDependencies,
  { tables }: Pick<WorkArea, 'tables'>,
  snapshot: SnapshotReference,
): Promise<SnapshotStatistics> {
  const kept = await readStatistics(deps.store, snapshot);
  if (kept !== null) return kept;
  const { columns } = await readManifest(deps.store, snapshot);
  const files = await sliceFiles(deps, { snapshot, rows: snapshot.rows });
  const { dataset, digest } = snapshot;
  const measured = await measureStatistics(tables, files, columns);
  return keepStatistics(deps.store, { dataset, digest, edgesFrom: digest, ...measured });
}

async function requestsTo(
  deps: DataDependencies,
  { tables, folder }: WorkArea,
  {
    columns,
    now,
    against,
  }: LookUp & { readonly against: Extract<DistributionReference, { readonly endpoint: string }> },
): Promise<Reference | null> {
  const since = new Date(Date.parse(now) - durationMs(against.since)).toISOString();
  const { inference } = await trafficFiles(deps.store, deps.cacheFolder, against.endpoint, { since, until: now });
  if (inference.length === 0) return null;
  const path = join(folder, `requests-${against.endpoint}.parquet`);
  const rows = await writeRequests(tables, { inference, columns, since, until: now }, path);
  if (rows === 0) return null;
  return { name: referenceName(against), statistics: await measureStatistics(tables, [path], columns) };
}

async function existing<T>(find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}
