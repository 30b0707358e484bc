import { type IndexState, modelNames, rebuildIndex } from '../../stores/registry-log.ts';
import type { Context } from '../context.ts';
import { modelNotFound } from '../models.ts';
import { table } from '../output.ts';
import { writingBucket } from '../snapshots.ts';
import { listModels } from '../../stores/registry.ts';

type Rebuilt = {
  readonly model: string;
  readonly changes: number;
  readonly versions: number;
  readonly found: IndexState;
};

/** `perdura models rebuild`: makes the index of every model, or of one, anew from its changes, and says how each was found. */
export async function modelsRebuild(context: Context, model: string | undefined): Promise<number> {
  return writingBucket(context, async ({ store }) => {
    const names = await modelNames(store);
    if (model !== undefined && !names.includes(model)) throw modelNotFound(model, await listModels(store));
    const rebuilt: Rebuilt[] = [];
    for (const name of model === undefined ? names : [model]) {
      const { registry, found } = await rebuildIndex(store, name);
      rebuilt.push({ model: name, changes: registry.changes, versions: registry.versions.length, found });
    }
    context.output.answer({ rebuilt }, () =>
      rebuilt.length === 0
        ? 'No models yet.'
        : table(
            ['MODEL', 'CHANGES', 'VERSIONS', 'THE INDEX WAS'],
            rebuilt.map((each) => [each.model, String(each.changes), String(each.versions), each.found]),
          ),
    );
    return 0;
  });
}
