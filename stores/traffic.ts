import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CodedError } from '../domain/errors.ts';
import { durationMs } from '../domain/duration.ts';
import { sha256Hex } from './digest.ts';
import { writeWholeFile } from './local-files.ts';
import type { ObjectStore, StoredVersion } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const parallelReads = 8;
const dayMs = durationMs('1 day');
/** Beyond this many days, one listing of everything is cheaper than one for each day. */
const mostDays = 60;

/** `since`, `until`: ISO 8601; files of these hours and those between. `until` is now unless given. */
export type TrafficWindow = { readonly since: string; readonly until?: string };

/** The `since` of who wants all: before anything was ever logged. */
export const beforeTraffic = '1970-01-01T00:00:00Z';

/** Where an endpoint's inference log lies: below it `dt=2001-03-31/hr=17/<replica>-<seq>.parquet`, UTC. */
export function inferencePrefix(endpoint: string): string {
  return `inference/${endpoint}/`;
}

/** Where an endpoint's labels lie: below it `dt=2001-03-31/hr=17/<replica>-<seq>.parquet`, UTC. */
export function labelPrefix(endpoint: string): string {
  return `labels/${endpoint}/`;
}

/**
 * Brings an endpoint's inference log and labels since an hour to local Parquet files, each downloaded once. Labels may come much later
 * than the answers they belong to, so both reach to now. Local names hold no `dt=`: DuckDB would make columns of them.
 *
 * @throws CodedError INPUT_INVALID when a bound is not a time; DISK_FULL.
 */
export async function trafficFiles(
  store: ObjectStore,
  cacheFolder: string,
  endpoint: string,
  options: TrafficWindow,
): Promise<{ readonly inference: readonly string[]; readonly labels: readonly string[] }> {
  const window = { from: timeOf(options.since), to: timeOf(options.until ?? new Date().toISOString()) };
  const bring = async (prefix: string) => {
    const listed = await listWindow(store, prefix, window);
    return mapParallel(listed, parallelReads, (object) => localCopy(store, cacheFolder, object));
  };
  const [inference, labels] = await Promise.all([bring(inferencePrefix(endpoint)), bring(labelPrefix(endpoint))]);
  return { inference, labels };
}

type Window = { readonly from: number; readonly to: number };

async function listWindow(store: ObjectStore, prefix: string, window: Window): Promise<readonly StoredVersion[]> {
  const found: StoredVersion[] = [];
  const firstHour = new Date(window.from).toISOString().slice(0, 13);
  const lastHour = new Date(window.to).toISOString().slice(0, 13);
  for (const dayPrefix of dayPrefixes(prefix, window)) {
    for await (const object of store.list(dayPrefix)) {
      const [, day, hour] = /\/dt=(\d{4}-\d\d-\d\d)\/hr=(\d\d)\/[^/]+\.parquet$/.exec(object.key) ?? [];
      const at = `${day}T${hour}`;
      if (day !== undefined && at >= firstHour && at <= lastHour) found.push(object);
    }
  }
  return found;
}

function dayPrefixes(prefix: string, { from, to }: Window): readonly string[] {
  const firstDay = Math.floor(from / dayMs);
  const days = Math.floor(to / dayMs) - firstDay + 1;
  if (days > mostDays) return [prefix];
  return Array.from({ length: Math.max(0, days) }, (_, index) => {
    const day = new Date((firstDay + index) * dayMs).toISOString().slice(0, 10);
    return `${prefix}dt=${day}/`;
  });
}

/** Named by key and etag: a file that was written anew is another file. */
async function localCopy(store: ObjectStore, cacheFolder: string, object: StoredVersion): Promise<string> {
  const path = localPath(cacheFolder, object);
  const local = await stat(path).catch(() => null);
  if (local?.size === object.sizeBytes) return path;
  const { version, bytes } = await store.read(object.key);
  const current = localPath(cacheFolder, version);
  await writeWholeFile(current, [bytes]);
  return current;
}

function localPath(cacheFolder: string, object: StoredVersion): string {
  return join(cacheFolder, 'traffic', `${sha256Hex(`${object.key}\n${object.etag}`)}.parquet`);
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new CodedError('INPUT_INVALID', `'${text}' is not a time. Write ISO 8601, for example 2001-03-31T17:00:00Z.`);
}
