import { ofName } from '../../stores/snapshots/history-lookup.ts';
import { readHistory, rollBack } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { describeEntry, signed, writingBucket } from '../snapshots.ts';

export type SnapshotRollbackOptions = { readonly branch: string; readonly to?: string; readonly why?: string };

/**
 * `perdura snapshot rollback`: a branch goes back to where it stood. What it leaves stays in the history and in the bucket. Of two that run at
 * once the second is told that the branch has moved, instead of going back by one more.
 */
export async function snapshotRollback(
  context: Context,
  dataset: string,
  options: SnapshotRollbackOptions,
): Promise<number> {
  const { branch, to } = options;
  return writingBucket(context, async ({ store }) => {
    const history = await readHistory(store, dataset);
    const standing = history === null ? undefined : ofName(history.branches, branch);
    const entry = await rollBack(store, {
      dataset,
      branch,
      ...(standing === undefined ? {} : { expects: standing.digest }),
      ...(to === undefined ? {} : { to }),
      ...signed(options.why, 'rollback'),
    });
    context.output.answer({ dataset, entry }, () => describeEntry(dataset, entry));
    return 0;
  });
}
