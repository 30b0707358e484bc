import type { DataSplit } from '../../activities/data/contract.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { data } from '../activities.ts';
import { recordStep } from '../run-progress.ts';

/**
 * Splits by time: the newest `holdout` share of rows is what the model is judged on. A random split would let it see its own future.
 *
 * @param options.byTime - the timestamp column.
 * @param options.holdout - share of rows, in (0, 1).
 */
export async function split(
  snapshot: SnapshotReference,
  options: { readonly byTime: string; readonly holdout: number },
): Promise<DataSplit> {
  return recordStep(
    'split',
    () => data.splitByTime({ data: snapshot, column: options.byTime, holdout: options.holdout }),
    (parts) => `${parts.training.rows} rows to train on, ${parts.holdout.rows} held out`,
  );
}
