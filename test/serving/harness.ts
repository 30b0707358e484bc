import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm, Route } from '../../domain/route.ts';
import { type ModelServerOptions, type ModelServerProcess, startModelServer } from '../../serving/start-process.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { readRoute, writeRoute } from '../../stores/routes.ts';
import { literal, openTables, type TableRow } from '../../stores/tables.ts';
import { testKey, useTestKey } from '../support/test-key.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';

/** A bucket, a home folder and model servers on them; `close` ends all of it. */
export type Serving = {
  readonly store: ObjectStore;
  readonly homeFolder: string;
  start(options?: Partial<ModelServerOptions>): Promise<ModelServerProcess>;
  close(): Promise<void>;
};

export async function withServing(service?: TestS3): Promise<Serving> {
  const test = service ?? (await withTestS3());
  // Nobody else knows of the service yet: a failure here must not leave it running.
  await ensureBucket(test.s3).catch(async (error: unknown) => {
    await test.stop();
    throw error;
  });
  const store = createS3ObjectStore(test.s3);
  const homeFolder = await mkdtemp(join(tmpdir(), 'perdura-serving-'));
  await useTestKey(homeFolder);
  const servers: ModelServerProcess[] = [];
  return {
    store,
    homeFolder,
    async start(options = {}) {
      const server = await startModelServer({
        s3: test.s3,
        homeFolder,
        port: null,
        replica: 'one',
        flushEvery: '300 ms',
        ...options,
      });
      servers.push(server);
      return server;
    },
    async close() {
      await Promise.all(servers.map((server) => server.stop()));
      store.close();
      await test.stop();
      await rm(homeFolder, { recursive: true, force: true });
    },
  };
}

/** Writes an endpoint's next route; `challenger` has the given weight, the champion the rest. */
export async function setRoute(
  store: ObjectStore,
  endpoint: string,
  versions: {
    readonly champion: ModelReference;
    readonly challenger?: { readonly version: ModelReference; readonly weight: number };
    readonly shadows?: readonly ModelReference[];
  },
): Promise<Route> {
  const epoch = (await readRoute(store, endpoint))?.route.epoch ?? 0;
  const { champion, challenger, shadows = [] } = versions;
  const arms: Arm[] = [
    { name: 'champion', version: champion, weight: 100 - (challenger?.weight ?? 0) },
    ...(challenger === undefined ? [] : [{ name: 'challenger' as const, ...challenger }]),
  ];
  const change = { endpoint, changeId: `change-${epoch + 1}`, arms, shadows, who: 'test', why: 'test' };
  return writeRoute(store, change, { expectedEpoch: epoch, at: new Date().toISOString(), key: await testKey() });
}

export const flight = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };

export type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

export async function post(url: string, path: string, body: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

export async function get(url: string, path: string): Promise<Answer> {
  const answer = await fetch(`${url}${path}`);
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

/** Waits until a condition holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: { readonly atMostMs: number } = { atMostMs: 15_000 },
): Promise<void> {
  for (const end = Date.now() + options.atMostMs; Date.now() < end; await wait(25)) if (await condition()) return;
  throw new Error(`Not within ${options.atMostMs} ms: ${what}.`);
}

export async function untilEpoch(url: string, endpoint: string, epoch: number): Promise<void> {
  await until(`epoch ${epoch}`, async () => (await get(url, `/endpoints/${endpoint}`)).body['epoch'] === epoch);
}

/** Segments of a replica's log that are still on the disk, open ones included, of all its writers. */
export function segmentsLeft(serving: Serving, replica = 'one'): number {
  const names = readdirSync(join(serving.homeFolder, 'inference', replica), { recursive: true });
  return names.filter((name) => /\.jsonl(\.open)?$/.test(String(name))).length;
}

/** All rows that are in the bucket below a prefix, as DuckDB reads them. */
export async function rowsInBucket(serving: Serving, prefix: string): Promise<readonly TableRow[]> {
  const folder = await mkdtemp(join(serving.homeFolder, 'read-'));
  const tables = await openTables();
  try {
    const rows: TableRow[] = [];
    let parts = 0;
    for await (const { key } of serving.store.list(prefix)) {
      const { bytes } = await serving.store.read(key);
      // DuckDB keeps parts of a file that it read, by name and time of change in seconds: a name of its own for each.
      const file = join(folder, `${(parts += 1)}.parquet`);
      await writeFile(file, bytes);
      const found = await tables.all(`SELECT *, ${literal(key)} AS key FROM read_parquet(${literal(file)})`);
      rows.push(...found);
    }
    return rows;
  } finally {
    tables.close();
  }
}
