import { type ChildProcess, fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { isCoded } from '../../domain/errors.ts';
import { readServingConfig } from '../../serving/serving-config.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import {
  flight,
  get,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  withServing,
} from './harness.ts';
import { startTraffic } from './traffic.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;

/** Starts a replica, again for as long as another server holds its log. */
async function untilFree(replica: string): Promise<ModelServerProcess> {
  const started: ModelServerProcess[] = [];
  await until(`the log of '${replica}' is free`, async () => {
    const refused = await serving.start({ replica }).then(
      (server) => void started.push(server),
      (error: unknown) => error,
    );
    if (refused !== undefined && !isCoded(refused, 'CONFLICT')) throw refused;
    return started.length > 0;
  });
  const [server] = started;
  if (server === undefined) throw new Error('Nothing was started.');
  return server;
}

let serving: Serving;

beforeAll(async () => {
  serving = await withServing();
  const champion = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '1' }, { bias: -1 });
  await setRoute(serving.store, 'flights', { champion });
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

test(
  'SIGTERM under load ends it with 0, every begun request answered and logged',
  async () => {
    const server = await serving.start({ flushEvery: '1 hour' as const });
    const traffic = startTraffic(server.url, 'flights', { name: 'drained' });
    await until('answers', () => traffic.answers.size > 200);
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exited).toBe(0);
    await traffic.stop();
    const answered = [...traffic.answers].filter(([, answer]) => answer !== null);
    expect(answered.filter(([, answer]) => answer?.status !== 200)).toEqual([]);
    expect(segmentsLeft(serving)).toBe(0);
    const logged = new Set((await rowsInBucket(serving, 'inference/flights/')).map(({ requestId }) => requestId));
    expect(answered.filter(([requestId]) => !logged.has(requestId))).toEqual([]);
  },
  atMostMs,
);

test(
  'a port in use is named',
  async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(serving.start({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`Port ${port}`),
    });
    await new Promise((done) => other.close(done));
  },
  atMostMs,
);

test(
  'a second server on the same replica of a home folder is refused, another replica is not',
  async () => {
    const first = await serving.start();
    await expect(serving.start()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(String(first.pid)),
    });
    const other = await serving.start({ replica: 'two' });
    expect((await get(other.url, '/v2/health/live')).status).toBe(200);
    await Promise.all([first.stop(), other.stop()]);
  },
  atMostMs,
);

test(
  'a replica comes back while another server, which brought its log to the bucket, still runs',
  async () => {
    const away = await serving.start({ replica: 'away', flushEvery: '1 hour' as const });
    const asked = { requestId: 'before-the-kill', record: flight };
    expect((await post(away.url, '/endpoints/flights/predict', asked)).status).toBe(200);
    process.kill(away.pid, 'SIGKILL');
    await away.exited;
    expect(segmentsLeft(serving, 'away')).toBe(1);

    const damaged = encodeURIComponent('labels/flights/dt=2026-03-01/hr=10/away-1.parquet');
    await writeFile(join(serving.homeFolder, 'inference', 'away', `${damaged}.jsonl`), 'damaged\n');

    const other = await serving.start({ replica: 'two', retryWindow: '500 ms' });
    await until('the log is in the bucket', () => segmentsLeft(serving, 'away') === 0);
    const back = await untilFree('away');
    expect((await post(back.url, '/endpoints/flights/predict', { record: flight })).status).toBe(200);
    await Promise.all([back.stop(), other.stop()]);
    const rows = await rowsInBucket(serving, 'inference/flights/');
    expect(rows.filter(({ requestId }) => requestId === asked.requestId)).toHaveLength(1);
  },
  atMostMs,
);

test(
  'a server ends when the process that started it is gone',
  async () => {
    const config = {
      s3: { endpoint: 'http://127.0.0.1:9', region: 'r', bucket: 'b', accessKeyId: 'a', secretAccessKey: 's' },
      homeFolder: serving.homeFolder,
      host: '127.0.0.1',
      port: null,
      grpcPort: null,
      adminPort: null,
      processes: 2,
      tls: null,
      pricePerHour: null,
      replica: 'orphan',
      flushEveryMs: 100,
      maxInFlight: 8,
      bodyLimitBytes: 65_536,
      retryWindowMs: 100,
      recycleAfterLoads: 20,
      modelMemoryLimitBytes: 1e9,
      onlineStore: null,
      trustedKeys: null,
    };
    const main = fileURLToPath(new URL('../../dist/serving/main.js', import.meta.url));
    const env = { ...process.env, PERDURA_SERVING_CONFIG: JSON.stringify(config) };
    const child: ChildProcess = fork(main, [], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const exited = new Promise((done) => child.once('exit', done));
    const ready = (message: { readonly type?: string }) => message.type === 'ready';
    await new Promise<void>((done) => child.on('message', (message: object) => ready(message) && done()));
    child.disconnect();
    expect(await exited).toBe(0);
  },
  atMostMs,
);

test(
  'a configuration that does not hold up is told with every problem',
  () => {
    const config = { s3: {}, homeFolder: '', port: 70_000, replica: 'a/b', flushEveryMs: 0, maxInFlight: 1 };
    const read = () => readServingConfig({ PERDURA_SERVING_CONFIG: JSON.stringify(config) });
    for (const name of ['s3.bucket', 'homeFolder', 'port', 'replica', 'flushEveryMs']) expect(read).toThrow(name);
    expect(() => readServingConfig({})).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  },
  atMostMs,
);
