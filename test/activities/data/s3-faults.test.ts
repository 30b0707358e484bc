import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createSnapshot } from '../../../activities/data/create-snapshot.ts';
import { ensureBucket } from '../../../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../../../stores/objects/s3-object-store.ts';
import { readHistory } from '../../../stores/snapshots/history.ts';
import { type TestS3, withTestS3 } from '../../support/test-s3.ts';

/** What becomes of a GET of an object: passed on, answered 503, or cut after half of its bytes. */
type Fault = 'none' | 'unavailable' | 'cut';

/** Stands before S3 and spoils the reading of one object as often as it is told. */
async function openFaultyS3(target: string) {
  const state = { fault: 'none' as Fault, times: 0, key: '', met: 0 };
  const server = createServer((incoming, outgoing) => {
    const { hostname, port } = new URL(target);
    const { method, url = '', headers } = incoming;
    const hit =
      method === 'GET' && decodeURIComponent(url).includes(state.key) && state.times > 0 && state.fault !== 'none';
    if (hit) {
      state.times--;
      state.met++;
    }
    if (hit && state.fault === 'unavailable') {
      outgoing.writeHead(503, { 'content-type': 'application/xml' });
      outgoing.end('<Error><Code>ServiceUnavailable</Code><Message>Try again.</Message></Error>');
      return;
    }
    const passed = request({ hostname, port, method, path: url, headers }, (answer) => {
      const { connection: _, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, rest);
      if (!hit) return void answer.pipe(outgoing);
      const half = Number(answer.headers['content-length']) / 2;
      let sent = 0;
      answer.on('data', (chunk: Buffer) => {
        if (sent < half) outgoing.write(chunk.subarray(0, Math.ceil(half - sent)));
        sent += chunk.length;
        if (sent >= half) setImmediate(() => outgoing.destroy());
      });
    });
    passed.once('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return {
    state,
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

let s3: TestS3;
let folder: string;
let faulty: Awaited<ReturnType<typeof openFaultyS3>>;
let store: ReturnType<typeof createS3ObjectStore>;
beforeAll(async () => {
  s3 = await withTestS3();
  await ensureBucket(s3.s3);
  faulty = await openFaultyS3(s3.s3.endpoint ?? '');
  store = createS3ObjectStore({ ...s3.s3, endpoint: faulty.url });
  folder = await mkdtemp(join(tmpdir(), 'perdura-faults-'));
  const rows = Array.from({ length: 200_000 }, (_, row) => `${row},some text that makes the file longer`).join('\n');
  await store.write('lake/large.csv', new TextEncoder().encode(`n,s\n${rows}\n`));
  await store.write('lake/small.csv', new TextEncoder().encode('n,s\n1,x\n'));
}, 30_000);
afterAll(async () => {
  store.close();
  await faulty.close();
  await s3.stop();
  await rm(folder, { recursive: true, force: true });
});

const snapshotOf = (dataset: string) => {
  const who = () => 'a test';
  const heartbeat = () => undefined;
  const now = () => '2001-07-02T00:00:00.000Z';
  const cacheFolder = join(folder, dataset);
  return createSnapshot({ store, cacheFolder, heartbeat, now, who }, { dataset, from: { prefix: 'lake/' } });
};

test.each<[Fault, number]>([
  ['unavailable', 2],
  ['cut', 2],
])(
  'an S3 that is %s for a while is asked again, and all rows are there',
  async (fault, times) => {
    Object.assign(faulty.state, { fault, times, key: 'lake/large.csv', met: 0 });
    expect((await snapshotOf(`passing-${fault}`)).rows).toBe(200_001);
    expect(faulty.state.met).toBe(times);
  },
  20_000,
);

test.each<Fault>(['unavailable', 'cut'])(
  'an S3 that stays %s is SERVICE_UNAVAILABLE: no short file, no snapshot',
  async (fault) => {
    Object.assign(faulty.state, { fault, times: 1_000, key: 'lake/large.csv', met: 0 });
    const dataset = `staying-${fault}`;
    await expect(snapshotOf(dataset)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    Object.assign(faulty.state, { times: 0 });
    expect(await readHistory(store, dataset)).toBeNull();
    const left = await readdir(join(folder, dataset), { recursive: true });
    expect(left.filter((name) => /arriving|part/.test(name))).toEqual([]);
    expect((await snapshotOf(dataset)).rows).toBe(200_001);
  },
  60_000,
);
