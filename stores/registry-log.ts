import { setTimeout as wait } from 'node:timers/promises';

import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import { applyChange, emptyRegistry, type Registry, type RegistryChange } from '../domain/registry.ts';
import { parseDocument, readDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const parallelReads = 16;
const contentType = 'application/json';
/** Every round of a race has one winner, so that this many writers at once all get through. */
const mostTries = 40;

/** The index as it stands: `registry` null where there is none that can be read, `etag` null where there is no object at all. */
type Index = { readonly registry: Registry | null; readonly etag: string | null };

/** How an index was found beside the changes that it is made from. */
export type IndexState = 'as the changes say' | 'behind' | 'missing' | 'unreadable' | 'not as the changes say';

/**
 * The registry of a model as all its changes make it; empty (`changes` 0) where there are none. The index saves reading them all: what
 * came after it is read one by one, and without it every change is. Writes nothing, so that keys for reading alone are enough.
 *
 * @throws CodedError DATA_UNREADABLE when a change is missing between others, or is not one.
 */
export async function loadRegistry(store: ObjectStore, model: string): Promise<Registry> {
  return current(store, model, await readIndex(store, model));
}

/**
 * Appends one change: `decide` looks at the registry and names the change, or null where its effect is there already. The change's number
 * is where writers compare and set; who comes second decides again on what the first made. A writer that dies between change and index
 * loses nothing.
 *
 * @throws CodedError CONFLICT after 40 lost races; whatever `decide` throws.
 */
export async function changeRegistry(
  store: ObjectStore,
  model: string,
  decide: (registry: Registry) => RegistryChange | null,
): Promise<{ readonly registry: Registry; readonly changed: boolean }> {
  const index = await readIndex(store, model);
  let registry = await current(store, model, index);
  for (let attempt = 1; ; attempt++) {
    const change = decide(registry);
    if (change === null) return { registry, changed: false };
    if (await append(store, registry, change)) {
      const next = applyChange(registry, change);
      await keepIndex(store, next, index);
      return { registry: next, changed: true };
    }
    if (attempt >= mostTries) throw lostRaces(model);
    await wait(Math.min(attempt, 10));
    registry = await rollForward(store, registry);
  }
}

/**
 * Makes the index anew from every change, whatever it says itself, and tells how it was found.
 *
 * @throws CodedError NOT_FOUND for a model without changes; DATA_UNREADABLE when a change is missing between others; CONFLICT when
 * another writer was first.
 */
export async function rebuildIndex(
  store: ObjectStore,
  model: string,
): Promise<{ readonly registry: Registry; readonly found: IndexState }> {
  const index = await readIndex(store, model);
  const registry = await allChanges(store, model);
  if (registry.changes === 0)
    throw new CodedError(
      'NOT_FOUND',
      `Model '${model}' has no changes to make its registry from. See 'perdura models'.`,
      {
        details: { model },
      },
    );
  const found = await compareIndex(store, index, registry);
  if (found !== 'as the changes say') await writeIndex(store, registry, index);
  return { registry, found };
}

/** How the index stands beside the changes; `perdura models verify` tells it. Writes nothing. */
export async function indexState(store: ObjectStore, model: string): Promise<IndexState> {
  const index = await readIndex(store, model);
  return compareIndex(store, index, await allChanges(store, model));
}

/** The names of all models, sorted: also those whose index is gone. */
export async function modelNames(store: ObjectStore): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const { key } of store.list('registry/')) {
    const name = changeOf(key)?.model ?? /^registry\/(.+)\.json$/.exec(key)?.[1];
    if (name !== undefined) names.add(name);
  }
  return [...names].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Whether a model may be called so: its index would lie among another model's changes. */
export function isChangesName(model: string): boolean {
  return model.split('/').includes('changes');
}

async function current(store: ObjectStore, model: string, { registry, etag }: Index): Promise<Registry> {
  if (registry !== null) return rollForward(store, registry);
  const made = await allChanges(store, model);
  if (made.changes > 0 || etag === null) return made;
  throw new CodedError(
    'DATA_UNREADABLE',
    `'${indexKey(model)}' is no registry that this Perdura reads, and there are no changes to make it from. Restore an older version of it in the bucket.`,
    { details: { key: indexKey(model) } },
  );
}

async function rollForward(store: ObjectStore, from: Registry): Promise<Registry> {
  for (let registry = from; ;) {
    const next = await readDocument<RegistryChange>(store, changeKey(registry.model, registry.changes + 1));
    if (next === null) return registry;
    registry = applyChange(registry, next.value);
  }
}

/** A listing, not reads up to the first gap: a change that was deleted must not hide those after it. */
async function allChanges(store: ObjectStore, model: string): Promise<Registry> {
  const numbers: number[] = [];
  for await (const { key } of store.list(`registry/${model}/changes/`)) {
    const change = changeOf(key);
    if (change?.model === model) numbers.push(change.number);
  }
  numbers.sort((a, b) => a - b);
  const missing = numbers.findIndex((number, place) => number !== place + 1);
  if (missing >= 0) throw changeMissing(model, missing + 1);
  const changes = await mapParallel(numbers, parallelReads, (number) => readChange(store, model, number));
  return changes.reduce(applyChange, emptyRegistry(model));
}

async function readChange(store: ObjectStore, model: string, number: number): Promise<RegistryChange> {
  const found = await readDocument<RegistryChange>(store, changeKey(model, number));
  if (found === null) throw changeMissing(model, number);
  return found.value;
}

async function readIndex(store: ObjectStore, model: string): Promise<Index> {
  const key = indexKey(model);
  const found = await store.read(key).catch((error: unknown) => {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  });
  if (found === null) return { registry: null, etag: null };
  return { registry: parseIndex(model, found.bytes), etag: found.version.etag };
}

/** Null for what is not an index: it can be made again, so it stops nobody. */
function parseIndex(model: string, bytes: Uint8Array): Registry | null {
  try {
    const registry = parseDocument<Partial<Registry> | null>(indexKey(model), bytes);
    const whole = registry?.model === model && Number.isInteger(registry.changes) && Array.isArray(registry.versions);
    return whole && Array.isArray(registry.moves) ? (registry as Registry) : null;
  } catch (error) {
    if (isCoded(error, 'DATA_UNREADABLE')) return null;
    throw error;
  }
}

async function compareIndex(store: ObjectStore, index: Index, registry: Registry): Promise<IndexState> {
  if (index.etag === null) return 'missing';
  if (index.registry === null) return 'unreadable';
  if (canonicalJson(index.registry) === canonicalJson(registry)) return 'as the changes say';
  const forward = await rollForward(store, index.registry);
  return canonicalJson(forward) === canonicalJson(registry) ? 'behind' : 'not as the changes say';
}

/** Whether it was first. */
async function append(store: ObjectStore, registry: Registry, change: RegistryChange): Promise<boolean> {
  try {
    const key = changeKey(registry.model, registry.changes + 1);
    await store.write(key, Buffer.from(canonicalJson(change)), { ifAbsent: true, contentType });
    return true;
  } catch (error) {
    if (isCoded(error, 'CONFLICT')) return false;
    throw error;
  }
}

/** The change stands: an index that lags behind is read forward, so that neither a race nor an outage here is a failure. */
async function keepIndex(store: ObjectStore, registry: Registry, index: Index): Promise<void> {
  try {
    await writeIndex(store, registry, index);
  } catch (error) {
    const lags = isCoded(error, 'CONFLICT') || isCoded(error, 'NOT_FOUND') || isCoded(error, 'SERVICE_UNAVAILABLE');
    if (!lags) throw error;
  }
}

async function writeIndex(store: ObjectStore, registry: Registry, { etag }: Index): Promise<void> {
  const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
  await store.write(indexKey(registry.model), Buffer.from(canonicalJson(registry)), { ...condition, contentType });
}

function changeOf(key: string): { readonly model: string; readonly number: number } | null {
  const match = /^registry\/(.+)\/changes\/([1-9]\d*)\.json$/.exec(key);
  return match === null ? null : { model: match[1] ?? '', number: Number(match[2]) };
}

function changeMissing(model: string, number: number): CodedError {
  const key = changeKey(model, number);
  return new CodedError(
    'DATA_UNREADABLE',
    `Change ${number} of the registry of model '${model}' is gone, and later ones stand. Restore '${key}' from its older versions in the bucket.`,
    { details: { key } },
  );
}

function lostRaces(model: string): CodedError {
  return new CodedError(
    'CONFLICT',
    `Other writers changed the registry of model '${model}' first, ${mostTries} times. Try again.`,
    { details: { model } },
  );
}

function indexKey(model: string): string {
  return `registry/${model}.json`;
}

function changeKey(model: string, number: number): string {
  return `registry/${model}/changes/${number}.json`;
}
