import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { type Aggregates, viewOf } from '../../domain/aggregate.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { OnlineStore } from '../../stores/online/online-store.ts';
import { openLmdbOnlineStore } from '../../stores/online/lmdb-online-store.ts';
import { openRedisOnlineStore } from '../../stores/online/redis-online-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { redisProgram, type RedisServer, startRedis } from '../support/redis-server.ts';
import { putTinyPackage, tinyPackageFiles } from '../support/tiny-model.ts';
import { flight, post, rowsInBucket, segmentsLeft, type Serving, setRoute, until, withServing } from './harness.ts';
import { testKey } from '../support/test-key.ts';

const aggregates: Aggregates = {
  dataset: 'flights',
  time: 'date',
  gap: '1 hour',
  values: {
    delay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' },
    flights: { function: 'count', of: 'true', by: ['origin'], over: '1 day' },
  },
};
const minute = 60_000;
const at = Date.parse(`${flight.date}Z`);
const redis = await redisProgram();

let serving: Serving;
let server: ModelServerProcess;

beforeAll(async () => {
  serving = await withServing();
  const { store } = serving;
  await setRoute(store, 'plain', {
    champion: await putTinyPackage(store, { model: 'plain', modelVersion: '1' }, { bias: -1 }),
  });
  await setRoute(store, 'past', { champion: await putPackageWithPast(store) });
  server = await serving.start();
}, 60_000);

afterAll(() => serving.close(), 60_000);

/** Its features are what it knows of the past, null told as -1. */
async function putPackageWithPast(store: ObjectStore): Promise<ModelReference> {
  const files = await tinyPackageFiles({ bias: 0 });
  const features = `export const record = { date: 'timestamp', distance: 'number', origin: 'string' };
export const aggregates = ${JSON.stringify(aggregates)};
export const features = (row, past) => ({ distance: past.delay ?? -1, hour: past.flights, origin: row.origin });
`;
  await writeFile(files['features.mjs'], features);
  const reference = await writePackage(store, { model: 'past', modelVersion: '1' }, files, await testKey());
  await rm(dirname(files['model.onnx']), { recursive: true });
  return reference;
}

const predict = (url: string, endpoint: string, requestId: string) =>
  post(url, `/endpoints/${endpoint}/predict`, { requestId, record: flight });

async function rowOf(requestId: string) {
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, 'inference/past/');
  return rows.find((row) => row['requestId'] === requestId);
}

/** Flights of SFO with their delays, by minutes before the record's time. */
async function writeFlights(store: OnlineStore, delays: Readonly<Record<number, number>>): Promise<void> {
  const events = Object.entries(delays).map(([before, value]) => ({
    key: 'SFO',
    time: at - Number(before) * minute,
    id: before,
    value,
  }));
  await store.write([
    ...events.map((event) => ({ ...event, view: viewOf(aggregates, 'delay') })),
    ...events.map((event) => ({ ...event, view: viewOf(aggregates, 'flights'), value: 1 })),
  ]);
}

test('a model without aggregates opens no online store', async () => {
  expect((await predict(server.url, 'plain', 'plain')).status).toBe(200);
  await expect(stat(join(serving.homeFolder, 'online'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('while the store cannot be opened a model with aggregates answers 503, logged, and other models go on', async () => {
  await writeFile(join(serving.homeFolder, 'online'), 'in the way');
  const { status, body } = await predict(server.url, 'past', 'no-store');
  expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  expect((await predict(server.url, 'plain', 'goes-on')).status).toBe(200);
  expect(await rowOf('no-store')).toMatchObject({
    status: 500,
    error: expect.stringMatching(/^SERVICE_UNAVAILABLE: /),
  });
  await rm(join(serving.homeFolder, 'online'));
  expect((await predict(server.url, 'past', 'mended')).status).toBe(200);
});

test('its features are of the events in the window up to the gap, also those that another process wrote since', async () => {
  await predict(server.url, 'past', 'nothing-yet');
  const store = await openLmdbOnlineStore(join(serving.homeFolder, 'online'));
  // One hour's gap: 60 minutes before is not known yet, 61 is; three hours reach to 240 minutes before, which still counts, one day to 1500.
  await writeFlights(store, { 30: 900, 60: 900, 61: 10, 120: 20, 240: 60, 241: 900, 1_500: 900, 1_501: 900 });
  await store.close();
  await predict(server.url, 'past', 'some');
  expect(JSON.parse(String((await rowOf('nothing-yet'))?.['features']))).toEqual({
    distance: -1,
    hour: 0,
    origin: 'SFO',
  });
  expect(JSON.parse(String((await rowOf('some'))?.['features']))).toEqual({ distance: 30, hour: 5, origin: 'SFO' });
});

('missing' in redis ? describe.skip : describe)(
  `with Redis (${'missing' in redis ? redis.missing : 'real server'})`,
  () => {
    let away: RedisServer;
    beforeAll(async () => {
      if (!('missing' in redis)) away = await startRedis(redis.path);
    });
    afterAll(() => away.stop());

    test('it is looked up there, 503 while it is away, answered again when it is back', async () => {
      const online = await openRedisOnlineStore(away.url);
      await writeFlights(online, { 61: 7, 62: 9 });
      await online.close();
      const two = await serving.start({ replica: 'two', onlineStore: away.url });
      expect((await predict(two.url, 'past', 'redis')).status).toBe(200);
      await away.down();
      await until('it answers 503', async () => (await predict(two.url, 'past', 'away')).status === 503);
      const { body } = await predict(two.url, 'past', 'away-still');
      expect(body['code']).toBe('SERVICE_UNAVAILABLE');
      expect(body['message']).not.toContain(new URL(away.url).password);
      expect((await predict(two.url, 'plain', 'redis-plain')).status).toBe(200);
      await away.up();
      await until('it answers again', async () => (await predict(two.url, 'past', 'back')).status === 200);
      await two.stop();
      const rows = await rowsInBucket(serving, 'inference/past/');
      const back = rows.filter((row) => row['requestId'] === 'back' && row['status'] === 200);
      expect(JSON.parse(String(back[0]?.['features']))).toEqual({ distance: 8, hour: 2, origin: 'SFO' });
    });
  },
);
