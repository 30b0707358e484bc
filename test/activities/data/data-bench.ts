import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataActivities } from '../../../activities/data/contract.ts';
import { dataActivities } from '../../../activities/data/data-activities.ts';
import type { SnapshotReference } from '../../../domain/snapshot.ts';
import { addArrival } from '../../../stores/datasets.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { literal, openTables, type TableRow } from '../../../stores/tables.ts';

/** The real flights, January to June 2001 (npm package vega-datasets 3.2.1). */
export const flightsFile = fileURLToPath(
  new URL('../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url),
);

/** A bucket in memory, a folder on disk, and the activities over both. */
export type DataBench = {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly cacheFolder: string;
  readonly activities: DataActivities;
  readonly notes: readonly string[];
  /** Runs SQL apart from the code under test. */
  sql(text: string): Promise<readonly TableRow[]>;
  /** Writes a Parquet file by SQL and returns its path. */
  parquet(name: string, select: string): Promise<string>;
  /** Adds a local file, or text that becomes one, to a dataset; returns its key. */
  add(dataset: string, name: string, content: { readonly file: string } | { readonly text: string }): Promise<string>;
  /** A snapshot of one Parquet file made by SQL. */
  snapshotOf(dataset: string, select: string): Promise<SnapshotReference>;
  close(): Promise<void>;
};

export async function openDataBench(): Promise<DataBench> {
  const store = createMemoryObjectStore();
  const folder = await mkdtemp(join(tmpdir(), 'perdura-data-'));
  const cacheFolder = join(folder, 'cache');
  const notes: string[] = [];
  const now = () => '2001-07-02T00:00:00.000Z';
  const activities = dataActivities({
    store,
    cacheFolder,
    heartbeat: (note) => notes.push(note),
    now,
    who: () => 'a test',
    rowChecks: () => Promise.resolve(null),
  });
  const tables = await openTables();
  const parquet = async (name: string, select: string) => {
    await tables.all(`COPY (${select}) TO ${literal(join(folder, name))} (FORMAT parquet)`);
    return join(folder, name);
  };
  const add: DataBench['add'] = async (dataset, name, content) => {
    const path = 'file' in content ? content.file : join(folder, `${dataset}-${name}`);
    if ('text' in content) await writeFile(path, content.text);
    return (await addArrival(store, dataset, { path, name, addedAt: now() })).key;
  };
  return {
    store,
    folder,
    cacheFolder,
    activities,
    notes,
    sql: (text) => tables.all(text),
    parquet,
    add,
    async snapshotOf(dataset, select) {
      const key = await add(dataset, 'data.parquet', { file: await parquet(`${dataset}.parquet`, select) });
      return activities.createSnapshot({ dataset, from: key });
    },
    async close() {
      tables.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** January 2001, cut from the source by DuckDB. */
export const januarySql = `SELECT * FROM read_parquet(${literal(flightsFile)})
  WHERE date >= TIMESTAMP '2001-01-01' AND date < TIMESTAMP '2001-02-01'`;
