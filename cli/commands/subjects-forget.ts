import { forgetSubjects } from '../../stores/subject-keys.ts';
import { connectS3 } from '../connect.ts';
import type { Context } from '../context.ts';
import { requireEndpoint } from '../require-endpoint.ts';
import { signed, writingBucket } from '../snapshots.ts';

type ForgetOptions = { readonly why?: string; readonly who?: string };

/** `perdura subjects forget`: deletes the keys of a group of subjects. Repeating it deletes what came since. */
export function subjectsForget(
  context: Context,
  endpoint: string,
  group: string,
  options: ForgetOptions,
): Promise<number> {
  return writingBucket(context, async ({ store, config, connect }) => {
    await requireEndpoint(store, endpoint);
    const s3 = await connectS3(config, connect);
    const by = signed(options.why ?? 'perdura subjects forget', 'subjects');
    const { at, why, who } = { ...by, ...(options.who && { who: options.who }) };
    const keys = await forgetSubjects({ store, s3 }, endpoint, { group, at, who, why });
    context.output.answer({ endpoint, keysDeleted: keys }, () =>
      keys === 0
        ? 'No keys were there. What model servers encrypt from now on gets new ones.'
        : `${keys} ${keys === 1 ? 'key' : 'keys'} deleted. What was encrypted with them can never be read again.`,
    );
    return 0;
  });
}
