import { CodedError } from '../domain/errors.ts';
import { requireName } from '../domain/names.ts';
import type { ModelReference } from '../domain/model-package.ts';
import type { AliasMove, ModelVersion, Registry, RegistryChange } from '../domain/registry.ts';
import { nextSemanticVersion } from '../domain/semantic-version.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';
import { changeRegistry, isChangesName, loadRegistry, modelNames } from './registry-log.ts';

const parallelReads = 16;

/** What a step gives to register a version; the registry adds the rest. */
export type NewVersion = Omit<ModelVersion, 'modelVersion' | 'semanticVersion' | 'status' | 'packageDigest' | 'reason'>;

/** The registry of a model; null when it has no version yet. */
export async function readRegistry(store: ObjectStore, model: string): Promise<Registry | null> {
  const registry = await loadRegistry(store, model);
  return registry.changes === 0 ? null : registry;
}

/** All models' registries, by name. */
export async function listModels(store: ObjectStore): Promise<readonly Registry[]> {
  const found = await mapParallel(await modelNames(store), parallelReads, (model) => readRegistry(store, model));
  return found.flatMap((registry) => registry ?? []);
}

/**
 * Reserves the next version number ('1', '2', …) as `pending`, and gives it its semantic version from the one before. Idempotent by
 * registrationId: a repeated step finds its own version.
 */
export async function reserveVersion(store: ObjectStore, model: string, version: NewVersion): Promise<ModelVersion> {
  requireName('model', model);
  if (isChangesName(model)) throw changesName(model);
  const { registry } = await changeRegistry(store, model, (current) => {
    if (ofRegistration(current, version.registrationId) !== undefined) return null;
    const modelVersion = String(1 + Math.max(0, ...current.versions.map((known) => Number(known.modelVersion))));
    const semanticVersion = nextSemanticVersion(current.versions.at(-1) ?? null, version);
    return { kind: 'reserve', version: { ...version, modelVersion, semanticVersion } };
  });
  const reserved = ofRegistration(registry, version.registrationId);
  if (reserved === undefined) throw versionNotFound(model, version.registrationId);
  return reserved;
}

/**
 * Marks a version `ready` once its package is whole and signed. Idempotent for the same digest.
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
    if (version.packageDigest === packageDigest) return null;
    if (version.status === 'pending') return { kind: 'complete', modelVersion, packageDigest };
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
    if (version.status === 'rejected') return null;
    if (registry.aliases.champion === modelVersion)
      throw new CodedError(
        'CONFLICT',
        `Version ${modelVersion} of model '${model}' is the champion. Move the alias to another version first.`,
      );
    return { kind: 'reject', modelVersion, reason };
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
  const { registry, changed } = await changeRegistry(store, model, (current) => {
    requireRegistered(current);
    if (current.moves.some(({ moveId }) => moveId === move.moveId)) return null;
    if (move.to !== null) checkReady(model, findVersion(current, move.to));
    const from = current.aliases[move.alias] ?? null;
    if (options.onlyFrom !== undefined && from !== options.onlyFrom) return null;
    return { kind: 'move', move: { ...move, from } };
  });
  return { registry, moved: changed };
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
  decide: (version: ModelVersion, registry: Registry) => RegistryChange | null,
): Promise<ModelVersion> {
  const { registry } = await changeRegistry(store, model, (current) => {
    requireRegistered(current);
    return decide(findVersion(current, modelVersion), current);
  });
  return findVersion(registry, modelVersion);
}

function ofRegistration(registry: Registry, registrationId: string): ModelVersion | undefined {
  return registry.versions.find((version) => version.registrationId === registrationId);
}

/**
 * One version of a model.
 *
 * @throws CodedError NOT_FOUND.
 */
export function findVersion(registry: Registry, modelVersion: string): ModelVersion {
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

function requireRegistered({ model, changes }: Registry): void {
  if (changes > 0) return;
  throw new CodedError('NOT_FOUND', `Model '${model}' not found: no run has registered it. See 'perdura models'.`, {
    details: { model },
  });
}

function changesName(model: string): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `'${model}' cannot name a model: 'changes' as a part of a name is where a registry keeps its changes. Choose another name.`,
    { details: { model } },
  );
}
