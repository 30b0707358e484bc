import { rollBack } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { describeEntry, signed, writingBucket } from '../snapshots.ts';

export type SnapshotRollbackOptions = { readonly branch: string; readonly to?: string; readonly why?: string };

/** `perdura snapshot rollback`: a branch goes back to where it stood. What it leaves stays in the history and in the bucket. */
export async function snapshotRollback(
  context: Context,
  dataset: string,
  options: SnapshotRollbackOptions,
): Promise<number> {
  const { branch, to } = options;
  return writingBucket(context, async ({ store }) => {
    const entry = await rollBack(store, {
      dataset,
      branch,
      ...(to === undefined ? {} : { to }),
      ...signed(options.why, 'rollback'),
    });
    context.output.answer({ dataset, entry }, () => describeEntry(dataset, entry));
    return 0;
  });
}
