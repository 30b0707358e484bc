import { readFileSync } from 'node:fs';
import { request } from 'node:http';

import type { ModelReference } from '../../../domain/model-package.ts';
import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { writePolicy } from '../../../stores/policies.ts';
import { readServerReports } from '../../../stores/server-reports.ts';
import { testKey } from '../../support/test-key.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { type Answer, flight, get, post, type Serving, setRoute, until, untilEpoch, withServing } from '../harness.ts';

const atMostMs = 60_000;

let serving: Serving;
let server: ModelServerProcess;
let versions: readonly [ModelReference, ModelReference];

beforeAll(async () => {
  serving = await withServing();
  const put = (modelVersion: string, bias: number) =>
    putTinyPackage(serving.store, { model: 'flights', modelVersion }, { bias });
  versions = [await put('1', -1), await put('2', 1)];
  server = await serving.start({ recycleAfterLoads: 3 });
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

const predict = (endpoint: string, body: object = {}, at = server): Promise<Answer> =>
  post(at.url, `/endpoints/${endpoint}/predict`, { record: flight, ...body });

const problemOf = async (endpoint: string): Promise<Readonly<Record<string, unknown>> | null> =>
  (await get(server.url, `/endpoints/${endpoint}`)).body['problem'] as Readonly<Record<string, unknown>> | null;

/** Whether a process lives: one that ended and was not reaped yet does not. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? 'X');
  } catch {
    return false;
  }
}

/** On a connection of its own: one that lies ready may belong to the same dead process. */
function predictAnew(endpoint: string, body: object): Promise<Pick<Answer, 'status'>> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const url = `${server.url}/endpoints/${endpoint}/predict`;
    const sending = request(url, { method: 'POST', agent: false, headers, timeout: 10_000 }, (response) => {
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
    sending.once('timeout', () => sending.destroy(new Error('connected, and nobody answers')));
    sending.once('error', reject).end(JSON.stringify({ record: flight, ...body }));
  });
}

/** Requests one after the other on four connections; a request that got no answer is sent once more with the same id. */
function startRetryingTraffic(endpoint: string) {
  const outcomes: (number | string)[] = [];
  let stopped = false;
  let next = 0;
  const client = async (): Promise<void> => {
    while (!stopped) {
      const body = { requestId: `${endpoint}-${next++}` };
      const first = await predict(endpoint, body).catch(() => null);
      outcomes.push(
        first?.status ??
          (await predictAnew(endpoint, body).then(
            ({ status }) => status,
            (error: Error) => error.message,
          )),
      );
    }
  };
  const clients = Array.from({ length: 4 }, client);
  return {
    outcomes,
    async stop() {
      stopped = true;
      await Promise.all(clients);
    },
  };
}

test(
  'answering processes that are killed under load cost no request that is sent once more, and others take their place',
  async () => {
    await setRoute(serving.store, 'killed', { champion: versions[0] });
    expect((await predict('killed')).status).toBe(200);
    const traffic = startRetryingTraffic('killed');
    for (let killed = 0; killed < 4; killed += 1) {
      const seen = traffic.outcomes.length;
      await until('two processes answer', () => server.answering().length === 2 && traffic.outcomes.length > seen + 50);
      const pid = server.answering()[killed % 2] ?? -1;
      process.kill(pid, 'SIGKILL');
      await until('it is gone', () => !server.answering().includes(pid));
    }
    await until('two processes answer', () => server.answering().length === 2);
    await traffic.stop();
    expect(traffic.outcomes.filter((status) => status !== 200)).toEqual([]);
    expect(traffic.outcomes.length).toBeGreaterThan(200);
  },
  atMostMs,
);

test(
  'processes that loaded many packages are replaced without a failed request, and every process of the port moves on',
  async () => {
    await setRoute(serving.store, 'recycled', { champion: versions[0] });
    expect((await predict('recycled')).status).toBe(200);
    const before = server.answering();
    const traffic = startRetryingTraffic('recycled');
    for (let time = 0; time < 3; time += 1) {
      const fresh = await putTinyPackage(serving.store, { model: 'recycled', modelVersion: `${time}` }, { bias: time });
      const { epoch } = await setRoute(serving.store, 'recycled', { champion: fresh });
      await untilEpoch(server.url, 'recycled', epoch);
    }
    const replaced = () => server.answering().length === 2 && server.answering().every((pid) => !before.includes(pid));
    await until('all were replaced', replaced, { atMostMs: 30_000 });
    await traffic.stop();
    expect(traffic.outcomes.filter((status) => status !== 200)).toEqual([]);
  },
  atMostMs,
);

test(
  'a route that was unsigned, or put back to an older one, does not come into force',
  async () => {
    const key = 'routes/put-back.json';
    await setRoute(serving.store, 'put-back', { champion: versions[0] });
    const { bytes: first } = await serving.store.read(key);
    const { epoch } = await setRoute(serving.store, 'put-back', { champion: versions[1] });
    expect((await predict('put-back')).body).toMatchObject({ epoch, modelVersion: '2' });

    await serving.store.write(key, first);
    await until('the older one was refused', async () => (await problemOf('put-back')) !== null);
    expect(await problemOf('put-back')).toMatchObject({
      code: 'ROUTE_UNTRUSTED',
      message: expect.stringContaining('epoch 1, epoch 2 was in force'),
    });

    const { signature: _, ...unsigned } = JSON.parse(Buffer.from(first).toString()) as Record<string, unknown>;
    await serving.store.write(key, Buffer.from(JSON.stringify({ ...unsigned, epoch: 9 })));
    const message = async (): Promise<string> => String((await problemOf('put-back'))?.['message']);
    await until('the unsigned one was refused', async () => (await message()).includes('has no signature'));
    expect((await predict('put-back')).body).toMatchObject({ epoch, modelVersion: '2' });
  },
  atMostMs,
);

test(
  'a policy comes into force like a route, and an older one that is put back does not open the endpoint again',
  async () => {
    await setRoute(serving.store, 'guarded', { champion: versions[0] });
    expect((await predict('guarded')).status).toBe(200);
    const access = {
      apiKeys: [{ name: 'a', sha256: '0'.repeat(64), tester: false, requestsPerSecond: null }],
      oidc: null,
    };
    const options = { at: '2026-01-01T00:00:00.000Z', key: await testKey() };
    await writePolicy(serving.store, 'guarded', { access: null, who: 'test', why: 'test' }, options);
    const { bytes: first } = await serving.store.read('policies/guarded.json');
    await writePolicy(serving.store, 'guarded', { access, who: 'test', why: 'test' }, options);
    await until('the policy is in force', async () => (await predict('guarded')).status === 401);
    await serving.store.write('policies/guarded.json', first);
    const ready = async (): Promise<Answer> => get(server.adminUrl, '/ready');
    await until('the older one was refused', async () =>
      String((await ready()).body['problems']).includes("'policies/guarded.json' is at epoch 1"),
    );
    expect((await ready()).status).toBe(503);
    expect((await predict('guarded')).status).toBe(401);
  },
  atMostMs,
);

test(
  'the bucket and the admin port tell what is in force, and a hint brings a new route at once',
  async () => {
    await setRoute(serving.store, 'hinted', { champion: versions[0] });
    expect((await predict('hinted')).status).toBe(200);
    const { epoch } = await setRoute(serving.store, 'hinted', { champion: versions[1] });
    expect((await fetch(`${server.adminUrl}/hint`, { method: 'POST' })).status).toBe(202);
    await until('the report says so', async () => {
      const reports = await readServerReports(serving.store, new Date().toISOString());
      const endpoints = reports.flatMap((report) => (report.adminUrl === server.adminUrl ? report.endpoints : []));
      return endpoints.some((each) => each.endpoint === 'hinted' && each.epoch === epoch);
    });
    expect((await predict('hinted')).body).toMatchObject({ epoch, modelVersion: '2' });
    const { body } = await get(server.adminUrl, '/endpoints');
    expect(body['endpoints']).toContainEqual(
      expect.objectContaining({ endpoint: 'hinted', epoch, answered: 2, failed: 0 }),
    );
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    expect(metrics).toContain(
      'perdura_requests_total{endpoint="hinted",arm="champion",protocol="rows",status="200"} 2',
    );
    expect((await get(server.adminUrl, '/live')).status).toBe(200);
    expect((await get(server.url, '/ready')).status).toBe(404);
  },
  atMostMs,
);

test(
  'kill -9 of the control process ends all answering processes',
  async () => {
    const other = await serving.start({ replica: 'beheaded' });
    const pids = other.answering();
    expect(pids.filter(lives)).toHaveLength(2);
    process.kill(other.pid, 'SIGKILL');
    await until('all are gone', () => pids.every((pid) => !lives(pid)));
  },
  atMostMs,
);

test(
  'a server whose packages are on this machine is ready in seconds',
  async () => {
    await setRoute(serving.store, 'quick', { champion: versions[0] });
    expect((await predict('quick')).status).toBe(200);
    const started = performance.now();
    const again = await serving.start({ replica: 'again' });
    const readyMs = performance.now() - started;
    expect((await predict('quick', {}, again)).status).toBe(200);
    await again.stop();
    // Machines that are busy with other tests take longer; the figure for a quiet one is in the bench.
    expect(readyMs).toBeLessThan(10_000);
    console.info(`ready after ${Math.round(readyMs)} ms`);
  },
  atMostMs,
);
