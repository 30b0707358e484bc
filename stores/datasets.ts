import { stat } from 'node:fs/promises';

import { CodedError, isCoded } from '../domain/errors.ts';
import type { Arrival, Dataset } from '../domain/snapshot.ts';
import { sha256File } from './digest.ts';
import { readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';

/** A local file to add: `name` becomes the end of its key, `addedAt` is ISO 8601. */
export type ArrivingFile = { readonly path: string; readonly name: string; readonly addedAt: string };

/**
 * Adds a file to a dataset: the object first, then the dataset's list by compare-and-set, so that an arrival is seen whole or not at all.
 * Idempotent: bytes that already stand under the name are not sent again, and a repeated call (the same `addedAt`, or the newest
 * arrival once more) adds nothing.
 *
 * @throws CodedError NOT_FOUND when the file is missing; DATA_UNREADABLE when it is empty; INPUT_INVALID when a name does not serve.
 */
export async function addArrival(store: ObjectStore, dataset: string, file: ArrivingFile): Promise<Arrival> {
  checkNames(dataset, file);
  const sizeBytes = await fileSize(file.path);
  const key = `data/${dataset}/${file.name}`;
  const bytes = { key, sizeBytes, sha256: await sha256File(file.path) };
  const known = await readDocument<Dataset>(store, datasetKey(dataset));
  const standing = known?.value.arrivals.findLast((arrival) => arrival.key === key && arrival.sha256 === bytes.sha256);
  const s3VersionId =
    standing !== undefined && (await stands(store, standing))
      ? standing.s3VersionId
      : (await store.write(key, { file: file.path })).s3VersionId;
  const arrival: Arrival = { ...bytes, s3VersionId, addedAt: file.addedAt };
  const { value } = await updateDocument<Dataset>(store, datasetKey(dataset), (current) =>
    withArrival(current ?? { dataset, arrivals: [] }, arrival),
  );
  return value.arrivals.findLast((other) => isSame(other, arrival)) ?? arrival;
}

/**
 * Which files of a dataset have arrived, in order.
 *
 * @throws CodedError NOT_FOUND when nothing has.
 */
export async function readDataset(store: ObjectStore, dataset: string): Promise<Dataset> {
  const found = await readDocument<Dataset>(store, datasetKey(dataset));
  if (found !== null) return found.value;
  throw new CodedError(
    'NOT_FOUND',
    `Dataset '${dataset}' not found: nothing has arrived. Add a file with 'perdura data add ${dataset} <file>'.`,
    { details: { dataset } },
  );
}

function withArrival(current: Dataset, arrival: Arrival): Dataset {
  const newest = current.arrivals.at(-1);
  const repeated =
    (newest !== undefined && isSame(newest, arrival)) ||
    current.arrivals.some((other) => isSame(other, arrival) && other.addedAt === arrival.addedAt);
  return repeated ? current : { ...current, arrivals: [...current.arrivals, arrival] };
}

function isSame(a: Arrival, b: Arrival): boolean {
  return a.key === b.key && a.sha256 === b.sha256;
}

async function stands(store: ObjectStore, arrival: Arrival): Promise<boolean> {
  try {
    const found = await store.head(arrival.key, { s3VersionId: arrival.s3VersionId });
    return found.sizeBytes === arrival.sizeBytes;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

async function fileSize(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new CodedError('NOT_FOUND', `File ${path} cannot be read. Check its path and rights.`, { cause });
  });
  if (!found.isFile())
    throw new CodedError('INPUT_INVALID', `${path} is not a file. Name a Parquet, CSV or JSON lines file.`);
  if (found.size === 0)
    throw new CodedError('DATA_UNREADABLE', `File ${path} is empty. Write it again and add it anew.`);
  return found.size;
}

/**
 * Refuses a name that cannot be part of keys, or that `dataset@snapshot` could not tell from a snapshot's.
 *
 * @throws CodedError INPUT_INVALID naming it.
 */
export function requireDataset(dataset: string): void {
  if (
    typeof dataset === 'string' &&
    /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.+ -]*$/u.test(dataset) &&
    Buffer.byteLength(dataset) <= 200
  )
    return;
  throw new CodedError(
    'INPUT_INVALID',
    `${JSON.stringify(dataset) ?? 'nothing'} cannot name a dataset: use letters, digits, '.', '_' and '-', 200 bytes at most.`,
  );
}

/** A file's name may be a path: its folders are kept, so that `year=2001/a.csv` is a partition. */
function checkNames(dataset: string, file: ArrivingFile): void {
  requireDataset(dataset);
  const parts = file.name.split('/');
  const serves = parts.every((part) => /^[^.\s\p{Cc}\\][^\p{Cc}\\]*$/u.test(part) && Buffer.byteLength(part) <= 255);
  if (serves && Buffer.byteLength(file.name) <= 800) return;
  throw new CodedError(
    'INPUT_INVALID',
    `${JSON.stringify(file.name)} cannot name a file of a dataset: no part of it may be empty, begin with '.' or a space, hold a backslash or a control character, or be longer than 255 bytes.`,
  );
}

function datasetKey(dataset: string): string {
  return `datasets/${dataset}.json`;
}
