import { CodedError } from '../domain/errors.ts';
import type { ModelVersion, Registry } from '../domain/registry.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { listModels, readRegistry } from '../stores/registry.ts';
import { suggestion } from './nearest.ts';

/** A version and the registry that it stands in. */
export type FoundVersion = { readonly registry: Registry; readonly version: ModelVersion };

/**
 * Finds a version by what a person types: `flights@3`, `flights@1.2.0`, `flights@champion`; `flights` alone is its champion, or the newest
 * where there is none.
 *
 * @throws CodedError NOT_FOUND that lists what there is.
 */
export async function findVersion(store: ObjectStore, text: string): Promise<FoundVersion> {
  const [model = '', wanted] = text.split('@');
  const registry = await readRegistry(store, model);
  if (registry === null) {
    const names = (await listModels(store)).map((each) => each.model);
    throw new CodedError(
      'NOT_FOUND',
      `Model '${model}' not found.${suggestion(model, names)} List them with 'perdura models'.`,
    );
  }
  const chosen = versionMeant(registry, wanted);
  const version = registry.versions.findLast((each) => each.modelVersion === chosen || each.semanticVersion === chosen);
  if (version !== undefined) return { registry, version };
  const known = registry.versions.map((each) => `${each.modelVersion} (${each.semanticVersion})`).join(', ');
  const missing = wanted === 'champion' || wanted === 'challenger' ? `no ${wanted}` : `no version '${wanted ?? ''}'`;
  throw new CodedError('NOT_FOUND', `Model '${model}' has ${missing}. Its versions: ${known}.`, {
    details: { model, versions: registry.versions.map((each) => each.modelVersion) },
  });
}

/** An alias that was asked for and points nowhere is not found, instead of being another version. */
function versionMeant({ aliases, versions }: Registry, wanted: string | undefined): string | undefined {
  if (wanted === undefined) return aliases.champion ?? versions.at(-1)?.modelVersion;
  return wanted === 'champion' || wanted === 'challenger' ? aliases[wanted] : wanted;
}
