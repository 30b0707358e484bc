import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import type { ModelReference } from '../../../domain/model-package.ts';
import { withTestS3 } from '../../support/test-s3.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { flight, get, post, segmentsLeft, type Serving, setRoute, until, withServing } from '../harness.ts';
import { type HangingS3, hangingS3 } from './hanging-s3.ts';
import { cpuMs, processesOn } from './processes.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;

let s3: HangingS3;
let serving: Serving;
let versions: readonly [ModelReference, ModelReference];
/** Those of these tests, each with what of its local copies is damaged at the end. */
const endpoints = ['sound', 'damaged-route', 'odd-route', 'damaged-plan', 'damaged-package'] as const;

beforeAll(async () => {
  s3 = await hangingS3(await withTestS3());
  serving = await withServing(s3);
  const put = (model: string, modelVersion: string) =>
    putTinyPackage(serving.store, { model, modelVersion }, { bias: Number(modelVersion) });
  versions = [await put('flights', '1'), await put('flights', '2')];
  for (const endpoint of endpoints) {
    const own = endpoint.endsWith('plan') || endpoint.endsWith('package');
    await setRoute(serving.store, endpoint, { champion: own ? await put(endpoint, '3') : versions[0] });
  }
}, atMostMs);

afterAll(async () => {
  s3.pass();
  await serving.close();
}, atMostMs);

const predict = (url: string, endpoint: string) => post(url, `/endpoints/${endpoint}/predict`, { record: flight });

test(
  'a bucket that takes requests and does not answer shows as away, costs no answer, and is followed again when it is back',
  async () => {
    const server = await serving.start();
    const problem = async () => (await get(server.url, '/endpoints/sound')).body['problem'];
    expect(await problem()).toBeNull();
    s3.hang();
    await until('the outage shows', async () => (await problem()) !== null, { atMostMs: 25_000 });
    expect(await problem()).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect((await predict(server.url, 'sound')).status).toBe(200);
    s3.pass();
    await setRoute(serving.store, 'sound', { champion: versions[1] });
    const version = async () => (await predict(server.url, 'sound')).body['modelVersion'];
    await until('the new route is in force', async () => (await version()) === '2');
    await until('the problem is gone', async () => (await problem()) === null);
    await server.stop();
    expect(segmentsLeft(serving)).toBe(0);
  },
  atMostMs,
);

test(
  'a start with a bucket that does not answer, and damaged local copies, serves what is sound and says what is not',
  async () => {
    const routes = join(serving.homeFolder, 'routes');
    await writeFile(join(routes, 'damaged-route.json'), '{"endpoint":"damaged-route","sto');
    await writeFile(join(routes, 'odd-route.json'), '{"endpoint":"odd-route","stored":{},"epochs":{}}');
    const plans = join(serving.homeFolder, 'plans');
    const { packageDigest } = await championOf('damaged-plan');
    const [plan = ''] = (await readdir(plans)).filter((name) => name.startsWith(packageDigest));
    await writeFile(join(plans, plan), '');
    const [digest = ''] = await readdir(join(serving.homeFolder, 'packages', 'damaged-package', '3'));
    const signature = join(serving.homeFolder, 'packages', 'damaged-package', '3', digest, 'signature.json');
    await writeFile(signature, '{}');

    s3.hang();
    const server = await serving.start();
    expect((await predict(server.url, 'sound')).body).toMatchObject({ epoch: 2, modelVersion: '2' });
    expect((await predict(server.url, 'damaged-plan')).body).toMatchObject({ epoch: 1, modelVersion: '3' });
    const { status, body } = await get(server.adminUrl, '/ready');
    expect(status).toBe(503);
    expect(String(body['problems'])).toContain("'damaged-package' is not in force");
    const log = await readFile(join(serving.homeFolder, 'logs', 'serving-one.log'), 'utf8');
    for (const name of ['damaged-route.json', 'odd-route.json']) expect(log).toContain(join(routes, name));
    const before = processesOn(serving.homeFolder).map(({ pid }) => pid);
    const tookBefore = cpuMs(before);
    await wait(2_000);
    expect(processesOn(serving.homeFolder).map(({ pid }) => pid)).toEqual(before);
    // Of two processors; what starts again and again takes most of one.
    expect(cpuMs(before) - tookBefore).toBeLessThan(1_000);

    s3.pass();
    for (const endpoint of endpoints) {
      await until(`${endpoint} answers`, async () => (await predict(server.url, endpoint)).status === 200, {
        atMostMs: 25_000,
      });
    }
    await server.stop();
  },
  atMostMs,
);

test(
  'what was in force while there was no room for its local copy is kept as soon as there is',
  async () => {
    const routes = join(serving.homeFolder, 'routes');
    await rm(routes, { recursive: true });
    // A file in the place of the folder refuses every write, whoever writes.
    await writeFile(routes, '');
    const server = await serving.start({ replica: 'no-room' });
    expect((await predict(server.url, 'sound')).status).toBe(200);
    const problem = async () => (await get(server.url, '/endpoints/sound')).body['problem'];
    await until('the problem shows', async () => (await problem()) !== null);
    await rm(routes);
    await mkdir(routes);
    await until('the copy is there', async () => (await readdir(routes)).includes('sound.json'), { atMostMs: 20_000 });
    await until('the problem is gone', async () => (await problem()) === null);
    await server.stop();
  },
  atMostMs,
);

async function championOf(endpoint: string): Promise<ModelReference> {
  const { bytes } = await serving.store.read(`routes/${endpoint}.json`);
  const route = JSON.parse(Buffer.from(bytes).toString()) as { arms: readonly { version: ModelReference }[] };
  const [champion] = route.arms;
  if (champion === undefined) throw new Error(`No route of ${endpoint}.`);
  return champion.version;
}
