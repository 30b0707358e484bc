import { CodedError } from '../domain/errors.ts';
import { requireName } from '../domain/names.ts';
import type { ModelReference } from '../domain/model-package.ts';
import type { AliasMove, ModelVersion, Registry } from '../domain/registry.ts';
import { readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const parallelReads = 16;

/** What a step gives to register a version; the registry adds the rest. */
export type NewVersion = Omit<ModelVersion, 'modelVersion' | 'status' | 'packageDigest' | 'reason'>;

/** The registry of a model; null when it has no version yet. */
export async function readRegistry(store: ObjectStore, model: string): Promise<Registry | null> {
  return (await readDocument<Registry>(store, registryKey(model)))?.value ?? null;
}

/** All models' registries, by name. */
export async function listModels(store: ObjectStore): Promise<readonly Registry[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('registry/')) if (key.endsWith('.json')) keys.push(key);
  const found = await mapParallel(keys, parallelReads, (key) => readDocument<Registry>(store, key));
  return found.flatMap((document) => (document === null ? [] : [document.value]));
}

/** Reserves the next version number ('1', '2', …) as `pending`. Idempotent by registrationId: a repeated step finds its own version. */
export async function reserveVersion(store: ObjectStore, model: string, version: NewVersion): Promise<ModelVersion> {
  requireName('model', model);
  const { value } = await updateDocument<Registry>(store, registryKey(model), (current) => {
    const registry = current ?? { model, versions: [], aliases: {}, moves: [] };
    if (ofRegistration(registry, version.registrationId) !== undefined) return registry;
    const modelVersion = String(1 + Math.max(0, ...registry.versions.map((known) => Number(known.modelVersion))));
    const reserved: ModelVersion = { ...version, modelVersion, status: 'pending', packageDigest: null, reason: null };
    return { ...registry, versions: [...registry.versions, reserved] };
  });
  const reserved = ofRegistration(value, version.registrationId);
  if (reserved === undefined) throw versionNotFound(model, version.registrationId);
  return reserved;
}

/**
 * Marks a version `ready` once its package is whole. Idempotent for the same digest.
 *
 * @throws CodedError NOT_FOUND; CONFLICT when it has another package or was rejected.
 */
export async function completeVersion(
  store: ObjectStore,
  model: string,
  modelVersion: string,
  packageDigest: string,
): Promise<ModelVersion> {
  return changeVersion(store, model, modelVersion, (version) => {
    if (version.packageDigest === packageDigest) return version;
    if (version.status === 'pending') return { ...version, status: 'ready', packageDigest };
    const has = version.packageDigest === null ? 'was rejected' : `has package ${version.packageDigest}`;
    throw new CodedError('CONFLICT', `Version ${modelVersion} of model '${model}' ${has}. Register a new version.`);
  });
}

/**
 * Marks a version `rejected`. Idempotent: the first reason stays.
 *
 * @throws CodedError NOT_FOUND; CONFLICT when it is the champion.
 */
export async function rejectVersion(
  store: ObjectStore,
  model: string,
  modelVersion: string,
  reason: string,
): Promise<ModelVersion> {
  return changeVersion(store, model, modelVersion, (version, registry) => {
    if (version.status === 'rejected') return version;
    if (registry.aliases.champion === modelVersion)
      throw new CodedError(
        'CONFLICT',
        `Version ${modelVersion} of model '${model}' is the champion. Move the alias to another version first.`,
      );
    return { ...version, status: 'rejected', reason };
  });
}

/**
 * Moves an alias and keeps the move for ever. Idempotent by moveId: a move that is found recorded is done, whatever came after it.
 * With `onlyFrom` it moves only where the alias points to that version; elsewhere nothing happens.
 *
 * @throws CodedError NOT_FOUND when the model or version is unknown; INPUT_INVALID when the version is not ready.
 */
export async function moveAlias(
  store: ObjectStore,
  model: string,
  move: Omit<AliasMove, 'from'>,
  options: { readonly onlyFrom?: string } = {},
): Promise<{ readonly registry: Registry; readonly moved: boolean }> {
  const { value, changed } = await updateDocument<Registry>(store, registryKey(model), (current) => {
    const registry = current ?? notRegistered(model);
    if (registry.moves.some(({ moveId }) => moveId === move.moveId)) return registry;
    if (move.to !== null) checkReady(model, findVersion(registry, move.to));
    const { [move.alias]: from = null, ...others } = registry.aliases;
    if (options.onlyFrom !== undefined && from !== options.onlyFrom) return registry;
    return {
      ...registry,
      aliases: move.to === null ? others : { ...others, [move.alias]: move.to },
      moves: [...registry.moves, { ...move, from }],
    };
  });
  return { registry: value, moved: changed };
}

/**
 * Names a version together with the digest of its package.
 *
 * @throws CodedError NOT_FOUND when the version is unknown or has no package yet.
 */
export function versionReference(registry: Registry, modelVersion: string): ModelReference {
  const { packageDigest } = findVersion(registry, modelVersion);
  if (packageDigest === null)
    throw new CodedError(
      'NOT_FOUND',
      `Version ${modelVersion} of model '${registry.model}' has no package yet. See 'perdura models'.`,
    );
  return { model: registry.model, modelVersion, packageDigest };
}

async function changeVersion(
  store: ObjectStore,
  model: string,
  modelVersion: string,
  change: (version: ModelVersion, registry: Registry) => ModelVersion,
): Promise<ModelVersion> {
  const { value } = await updateDocument<Registry>(store, registryKey(model), (current) => {
    const registry = current ?? notRegistered(model);
    const before = findVersion(registry, modelVersion);
    const after = change(before, registry);
    if (after === before) return registry;
    return { ...registry, versions: registry.versions.map((version) => (version === before ? after : version)) };
  });
  return findVersion(value, modelVersion);
}

function ofRegistration(registry: Registry, registrationId: string): ModelVersion | undefined {
  return registry.versions.find((version) => version.registrationId === registrationId);
}

function findVersion(registry: Registry, modelVersion: string): ModelVersion {
  const found = registry.versions.find((version) => version.modelVersion === modelVersion);
  if (found === undefined) throw versionNotFound(registry.model, modelVersion);
  return found;
}

function checkReady(model: string, version: ModelVersion): void {
  if (version.status === 'ready') return;
  throw new CodedError(
    'INPUT_INVALID',
    `Version ${version.modelVersion} of model '${model}' is ${version.status}; an alias points to ready versions only.`,
  );
}

function versionNotFound(model: string, modelVersion: string): CodedError {
  return new CodedError('NOT_FOUND', `Version ${modelVersion} of model '${model}' not found. See 'perdura models'.`, {
    details: { model, modelVersion },
  });
}

function notRegistered(model: string): never {
  throw new CodedError('NOT_FOUND', `Model '${model}' not found: no run has registered it. See 'perdura models'.`, {
    details: { model },
  });
}

function registryKey(model: string): string {
  return `registry/${model}.json`;
}
