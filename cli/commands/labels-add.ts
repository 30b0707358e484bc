import { resolve } from 'node:path';

import { CodedError } from '../../domain/errors.ts';
import { sha256File } from '../../stores/digest.ts';
import { addLabelFile } from '../../stores/label-files.ts';
import { readSignature } from '../../stores/read-signature.ts';
import type { Context } from '../context.ts';
import { readLabels } from '../label-rows.ts';
import { requireEndpoint } from '../require-endpoint.ts';
import { counted, signed, writingBucket } from '../snapshots.ts';

type LabelsAddOptions = { readonly file: string; readonly why?: string; readonly who?: string };

/** `perdura labels add`: the labels of a file, all or none. */
export function labelsAdd(context: Context, endpoint: string, options: LabelsAddOptions): Promise<number> {
  const file = resolve(context.folder, options.file);
  return writingBucket(context, async ({ store }) => {
    const { arms } = await requireEndpoint(store, endpoint);
    const champion = arms.find(({ name }) => name === 'champion');
    if (champion === undefined)
      throw new CodedError('NOT_FOUND', `Endpoint '${endpoint}' has no champion. Release one first.`);
    const labels = await readLabels(file, await readSignature(store, champion.version));
    const by = signed(options.why ?? `perdura labels add --file ${options.file}`, 'labels');
    const { note, written } = await addLabelFile(store, endpoint, {
      sha256: await sha256File(file),
      note: { rows: labels.length, ...by, ...(options.who && { who: options.who }) },
      rows: ({ at }) => labels.map((label) => ({ ...label, at: label.at ?? at })),
    });
    context.output.answer({ endpoint, rows: note.rows, added: written, at: note.at, who: note.who }, () =>
      written
        ? `Added the labels of ${counted(note.rows, 'row')}.`
        : `Nothing to add: ${note.who} added this file at ${note.at}.`,
    );
    return 0;
  });
}
