import { mergeBranch } from '../../stores/snapshots/merge.ts';
import type { Context } from '../context.ts';
import { counted, shortName, signed, writingBucket } from '../snapshots.ts';

export type SnapshotMergeOptions = { readonly into: string; readonly why?: string };

/** `perdura snapshot merge`: on manifests alone, no byte of data is read. A conflict changes nothing and names every file. */
export async function snapshotMerge(
  context: Context,
  dataset: string,
  from: string,
  options: SnapshotMergeOptions,
): Promise<number> {
  const { into } = options;
  return writingBucket(context, async ({ store }) => {
    const { reference } = await mergeBranch(store, { dataset, from, into, ...signed(options.why, 'merge') });
    context.output.answer(
      { snapshot: reference, into },
      () => `${dataset}@${into} is ${shortName(reference)} with ${counted(reference.rows, 'row')}: ${from} is in it`,
    );
    return 0;
  });
}
