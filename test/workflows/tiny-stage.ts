import type { ModelReference } from '../../domain/model-package.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { completeVersion, moveAlias, readRegistry, reserveVersion } from '../../stores/registry.ts';
import { writeRoute } from '../../stores/routes.ts';
import { newVersion } from '../support/lineage.ts';
import { testKey } from '../support/test-key.ts';
import { putTinyPackage } from '../support/tiny-model.ts';

const at = '2026-01-01T00:00:00.000Z';
const model = 'tiny';

/** Registers the next version of the model `tiny`, as a training would, with a model that always says the same. */
export async function registerTiny(store: ObjectStore, registrationId: string): Promise<ModelReference> {
  const { modelVersion } = await reserveVersion(store, model, newVersion(registrationId));
  const version = await putTinyPackage(store, { model, modelVersion }, { bias: -1 });
  await completeVersion(store, model, modelVersion, version.packageDigest);
  return version;
}

/** Makes a version the champion that answers on an endpoint which no route names yet. */
export async function serveTiny(store: ObjectStore, endpoint: string, version: ModelReference): Promise<void> {
  const move = { moveId: `serve-${endpoint}`, alias: 'champion', to: version.modelVersion } as const;
  await moveAlias(store, model, { ...move, at, who: 'test', why: 'test', evidenceSha256: 'none' });
  const arms = [{ name: 'champion', version, weight: 100 }] as const;
  const change = { endpoint, changeId: `serve-${endpoint}`, arms, shadows: [], who: 'test', why: 'test' };
  await writeRoute(store, change, { expectedEpoch: 0, at, key: await testKey() });
}

/** The version that is the champion now; null: none. */
export async function championOf(store: ObjectStore): Promise<string | null> {
  return (await readRegistry(store, model))?.aliases.champion ?? null;
}
