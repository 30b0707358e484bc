import type { SnapshotRequest } from '../../activities/data/contract.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { data } from '../activities.ts';
import { recordStep } from '../run-progress.ts';

/**
 * Seals a snapshot: pins the S3 versions of a dataset's objects, copies nothing, and moves the branch to it.
 *
 * @param options.from - `'newest'` for the newest arrival, `'all'`, the key of one arrived object, several keys, `{ prefix }` for whatever stands
 * under a prefix of the bucket, or `'@name'` for the snapshot that a branch, tag, data version or digest names, as it is.
 * @throws ApplicationFailure NOT_FOUND when the dataset, key or name is unknown, DATA_UNREADABLE when a file is damaged.
 * @example
 * const data = await snapshot({ dataset: 'flights', from: 'newest' });
 */
export async function snapshot(options: SnapshotRequest): Promise<SnapshotReference> {
  return recordStep(
    'snapshot',
    () => data.createSnapshot(options),
    (made) => `${made.rows} rows, ${made.dataset}@${made.digest.slice(0, 12)}`,
  );
}
