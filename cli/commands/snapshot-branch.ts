import { createBranch, resolveSnapshot } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { shortName, signed, splitName, writingBucket } from '../snapshots.ts';

export type SnapshotBranchOptions = { readonly from: string; readonly why?: string };

/** `perdura snapshot branch`: a new name that moves by itself. */
export async function snapshotBranch(
  context: Context,
  dataset: string,
  branch: string,
  options: SnapshotBranchOptions,
): Promise<number> {
  const name = options.from.includes('@') ? options.from : `${dataset}@${options.from}`;
  if (splitName(name).dataset !== dataset)
    throw usageError('INPUT_INVALID', `--from ${name} is of another dataset. Name a snapshot of ${dataset}.`);
  return writingBucket(context, async ({ store }) => {
    const { digest } = await resolveSnapshot(store, name);
    await createBranch(store, { dataset, branch, from: digest, ...signed(options.why, 'branch') });
    context.output.answer(
      { dataset, branch, digest },
      () => `${dataset}@${branch} begins at ${shortName({ dataset, digest })}`,
    );
    return 0;
  });
}
