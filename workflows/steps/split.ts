import type { DataSplit } from '../../activities/data/contract.ts';
import type { DataSlice, SnapshotReference } from '../../domain/snapshot.ts';
import { data } from '../activities.ts';
import { recordStep } from '../run-progress.ts';

/** How to split; `holdout` is a share of rows, in (0, 1). */
export type SplitOptions = { readonly holdout: number } & (
  | {
      /** The timestamp column. */
      readonly byTime: string;
      readonly byChance?: never;
    }
  | {
      /** Rows that are equal in the columns `by` stay together: all columns, or such as `['customer']`. */
      readonly byChance: { readonly seed: number; readonly by?: readonly string[] };
      readonly byTime?: never;
    }
);

/**
 * Splits into what is trained on and what the model is judged on. By time, where rows have one: the newest share is held out, for a random
 * split would let the model see its own future. By chance otherwise: a row's side follows from its values and the seed, so that equal rows are
 * never on both. A part can be split again, such as into what a search trains on and what it is validated on.
 *
 * @throws ApplicationFailure INPUT_INVALID for a share, seed or column that cannot be, or where a part would be empty.
 * @example
 * const { training, holdout } = await split(accepted, { byChance: { seed: 7 }, holdout: 0.2 });
 */
export async function split(from: SnapshotReference | DataSlice, options: SplitOptions): Promise<DataSplit> {
  return recordStep(
    'split',
    () => cut('snapshot' in from ? { data: from.snapshot, within: from } : { data: from }, options),
    (parts) => `${parts.training.rows} rows to train on, ${parts.holdout.rows} held out`,
  );
}

type Whole = { readonly data: SnapshotReference; readonly within?: DataSlice };

function cut(whole: Whole, { holdout, byTime, byChance }: SplitOptions): Promise<DataSplit> {
  if (byChance === undefined) return data.splitByTime({ ...whole, column: byTime, holdout });
  return data.splitByChance({ ...whole, seed: byChance.seed, by: byChance.by ?? null, holdout });
}
