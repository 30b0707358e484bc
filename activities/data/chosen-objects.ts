import { CodedError } from '../../domain/errors.ts';
import type { Arrival, ObjectPin } from '../../domain/snapshot.ts';
import { readDataset } from '../../stores/datasets.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { inKeyOrder } from '../../stores/snapshots/key-order.ts';
import type { SnapshotRequest } from './contract.ts';

/** An object that is to be in a snapshot; `sha256` is null where nobody has read it yet. */
export type ChosenObject = Omit<ObjectPin, 'sha256'> & { readonly sha256: string | null };

/**
 * What a snapshot is asked of, in key order, each key once. A prefix is listed here, once: everything under it but names that begin with
 * `_` or `.` (`_SUCCESS`, `.crc`) and folders' own entries, which other tools leave behind.
 *
 * @throws CodedError NOT_FOUND for an object that has not arrived; INPUT_INVALID for a source that is none, or names an object twice.
 */
export async function chosenObjects(
  store: ObjectStore,
  request: Pick<SnapshotRequest, 'dataset' | 'from'>,
): Promise<AsyncIterable<ChosenObject> | Iterable<ChosenObject>> {
  const from: unknown = request.from;
  if (isPrefix(from)) return underPrefix(store, request.dataset, from.prefix);
  const names: unknown = typeof from === 'string' ? [from] : from;
  if (!isNames(names)) throw noSource(request.dataset, from);
  const { arrivals } = await readDataset(store, request.dataset);
  return inKeyOrder(chosenArrivals(arrivals, { dataset: request.dataset, names, single: typeof from === 'string' }));
}

function isPrefix(from: unknown): from is { readonly prefix: string } {
  return typeof from === 'object' && from !== null && 'prefix' in from && typeof from.prefix === 'string';
}

function isNames(names: unknown): names is readonly string[] {
  return Array.isArray(names) && names.every((name) => typeof name === 'string');
}

/** A pipeline hands on what it was called with, so a parameter that is missing or misspelt arrives here as no text at all. */
function noSource(dataset: string, from: unknown): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `A snapshot of ${dataset} was asked from ${JSON.stringify(from) ?? 'nothing'}, which names no arrived data. Give the pipeline 'newest' or arrived keys, for example with --param data=newest.`,
    { details: { dataset, from: from ?? null } },
  );
}

async function* underPrefix(store: ObjectStore, dataset: string, prefix: string): AsyncIterable<ChosenObject> {
  let found = 0;
  for await (const { key, s3VersionId, sizeBytes } of store.list(prefix, { pins: 'with-versions' })) {
    const name = key.slice(key.lastIndexOf('/') + 1);
    if (name === '' || name.startsWith('_') || name.startsWith('.')) continue;
    found++;
    yield { key, s3VersionId, sizeBytes, sha256: null };
  }
  if (found > 0) return;
  throw new CodedError(
    'NOT_FOUND',
    `A snapshot of ${dataset} was asked from the prefix '${prefix}', and no data stands under it. Look at the bucket, or give another prefix.`,
    { details: { dataset, prefix } },
  );
}

type Names = { readonly dataset: string; readonly names: readonly string[]; readonly single: boolean };

function chosenArrivals(arrivals: readonly Arrival[], { dataset, names, single }: Names): readonly Arrival[] {
  const [only] = names;
  if (single && only === 'newest') {
    const newest = arrivals.at(-1);
    if (newest === undefined) throw missing(dataset, 'anything', arrivals);
    return [newest];
  }
  if (single && only === 'all') return [...new Map(arrivals.map((arrival) => [arrival.key, arrival])).values()];
  if (names.length === 0) {
    throw new CodedError(
      'INPUT_INVALID',
      `A snapshot of ${dataset} needs at least one object. Name arrived keys, or 'newest'.`,
    );
  }
  const chosen = new Map<string, Arrival>();
  for (const name of names) {
    const arrival = arrivalOf(arrivals, name, dataset);
    if (chosen.has(arrival.key))
      throw new CodedError('INPUT_INVALID', `${arrival.key} is named twice. Name each object of a snapshot once.`);
    chosen.set(arrival.key, arrival);
  }
  return [...chosen.values()];
}

/** The newest arrival of that key; the name alone does as well as the whole key. */
function arrivalOf(arrivals: readonly Arrival[], name: string, dataset: string): Arrival {
  const found = arrivals.findLast((arrival) => arrival.key === name || arrival.key === `data/${dataset}/${name}`);
  if (found === undefined) throw missing(dataset, name, arrivals);
  return found;
}

function missing(dataset: string, name: string, arrivals: readonly Arrival[]): CodedError {
  const keys = [...new Set(arrivals.map((arrival) => arrival.key))].slice(-5);
  const known = keys.length === 0 ? 'Nothing has arrived yet.' : `Arrived last: ${keys.join(', ')}.`;
  return new CodedError(
    'NOT_FOUND',
    `Dataset ${dataset} has no arrival '${name}'. ${known} Add the file with 'perdura data add ${dataset} <file>'.`,
    { details: { dataset, key: name } },
  );
}
