import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm } from '../../domain/route.ts';
import { readConfig } from '../../project/config.ts';
import { type ModelServerOptions, type ModelServerProcess, startModelServer } from '../../serving/start-process.ts';
import { startS3 } from '../../services/start.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { writeRoute } from '../../stores/routes.ts';
import { openSigningKey, type SigningKey } from '../../stores/signing/signing.ts';
import { forestOnnx, putForest } from './forest.ts';

/** Endpoints of the bench, all of the same forest: alone, with a shadow of another forest, and halfway through a canary of it. */
export const endpoints = ['alone', 'shadowed', 'canary'] as const;

const replica = 'bench';
const [seed, otherSeed] = [7, 8];

/** An S3, a bucket with the routes, a home folder, and the same model as a file for the floors. */
export type ServingWorkplace = {
  readonly modelFile: string;
  /** With what servers have unless told otherwise. */
  startServer(options?: Partial<ModelServerOptions>): Promise<ModelServerProcess>;
  /** Waits until every request that a server answered is in the bucket. */
  untilLogged(replica: string): Promise<void>;
  close(): Promise<void>;
};

export async function openServingWorkplace(): Promise<ServingWorkplace> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-bench-'));
  const homeFolder = join(folder, 'home');
  const config = readConfig({ ...process.env, PERDURA_HOME: homeFolder }, folder);
  const s3 = await startS3(config, { onProgress: (line) => console.error(line) });
  await ensureBucket(s3.address);
  const store = createS3ObjectStore(s3.address);
  await fillBucket(store, await openSigningKey(join(homeFolder, 'keys')));
  const modelFile = join(folder, 'forest.onnx');
  await writeFile(modelFile, forestOnnx(seed));
  return {
    modelFile,
    startServer: (options = {}) => startModelServer({ s3: s3.address, homeFolder, port: null, replica, ...options }),
    untilLogged: (of) => untilEmpty(join(homeFolder, 'inference', of)),
    async close() {
      store.close();
      await s3.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fillBucket(store: ObjectStore, key: SigningKey): Promise<void> {
  const put = (modelVersion: string, of: number): Promise<ModelReference> =>
    putForest(store, { model: 'forest', modelVersion }, { seed: of, key });
  const [champion, other] = [await put('1', seed), await put('2', otherSeed)];
  const arm = (name: Arm['name'], version: ModelReference, weight: number): Arm => ({ name, version, weight });
  const routes = {
    alone: { arms: [arm('champion', champion, 100)], shadows: [] },
    shadowed: { arms: [arm('champion', champion, 100)], shadows: [other] },
    canary: { arms: [arm('champion', champion, 50), arm('challenger', other, 50)], shadows: [] },
  };
  for (const endpoint of endpoints) {
    const change = { endpoint, changeId: `bench/${endpoint}`, who: 'bench', why: 'bench', ...routes[endpoint] };
    await writeRoute(store, change, { expectedEpoch: 0, at: new Date().toISOString(), key });
  }
}

const deadlineMs = 120_000;

/** Segments of the log, open or closed, are lines on the disk until they are in the bucket. */
async function untilEmpty(folder: string): Promise<void> {
  for (const end = Date.now() + deadlineMs; Date.now() < end; await wait(50)) {
    const names = readdirSync(folder, { recursive: true }).map(String);
    const waiting = names.filter((name) => /\.jsonl(?:\.open)?$/.test(name) && sizeOf(join(folder, name)) > 0);
    if (waiting.length === 0) return;
  }
  throw new Error(`The log was not in the bucket within ${deadlineMs} ms; look at ${folder}.`);
}

/** A segment that was uploaded between listing and looking is gone. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
