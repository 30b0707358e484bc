import type { GpuWorker } from '../domain/device.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { readDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const prefix = 'workers/gpu/';
const parallelReads = 8;

/** Says that a worker with devices lives. Only that worker writes its object, so nothing is compared. */
export async function writeGpuWorker(store: ObjectStore, worker: GpuWorker): Promise<void> {
  const bytes = new TextEncoder().encode(canonicalJson(worker));
  await store.write(keyOf(worker.worker), bytes, { contentType: 'application/json' });
}

/** All workers that were ever registered, the gone ones too: `seenAt` tells them apart. Those that were not seen since `since` are not read. */
export async function readGpuWorkers(
  store: ObjectStore,
  options: { readonly since: string },
): Promise<readonly GpuWorker[]> {
  const keys: string[] = [];
  for await (const { key, modifiedAt } of store.list(prefix))
    if (Date.parse(modifiedAt) >= Date.parse(options.since)) keys.push(key);
  const found = await mapParallel(keys, parallelReads, (key) => readDocument<GpuWorker>(store, key));
  return found.flatMap((document) => (document === null ? [] : [document.value]));
}

/** A worker's name goes into a key as it is: it has no slash. */
function keyOf(worker: string): string {
  return `${prefix}${worker}.json`;
}
