import { resolveSnapshot, tagSnapshot } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { shortName, signed, splitName, writingBucket } from '../snapshots.ts';

/** `perdura snapshot tag`: a name that never moves. */
export async function snapshotTag(
  context: Context,
  name: string,
  tag: string,
  options: { readonly why?: string },
): Promise<number> {
  splitName(name);
  return writingBucket(context, async ({ store }) => {
    const { dataset, digest } = await resolveSnapshot(store, name);
    await tagSnapshot(store, { dataset, tag, digest, ...signed(options.why, 'tag') });
    context.output.answer({ dataset, tag, digest }, () => `${dataset}@${tag} is ${shortName({ dataset, digest })}`);
    return 0;
  });
}
