import type { SnapshotReference } from '../../domain/snapshot.ts';
import { data } from '../activities.ts';
import { recordStep } from '../run-progress.ts';

/**
 * Seals a snapshot: pins the S3 versions of a dataset's objects, copies nothing.
 *
 * @param options.from - `'newest'` for the newest arrival, the key of one arrived object, or several keys.
 * @throws ApplicationFailure NOT_FOUND when the dataset or key never arrived, DATA_UNREADABLE when a file is damaged.
 * @example
 * const data = await snapshot({ dataset: 'flights', from: 'newest' });
 */
export async function snapshot(options: {
  readonly dataset: string;
  readonly from: string | readonly string[];
}): Promise<SnapshotReference> {
  return recordStep(
    'snapshot',
    () => data.createSnapshot(options),
    (made) => `${made.rows} rows, ${made.dataset}@${made.digest.slice(0, 12)}`,
  );
}
