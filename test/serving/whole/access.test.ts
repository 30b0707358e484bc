import { request } from 'node:http';

import { type OidcPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { audience, type Issuer, startIssuer } from '../access/issuer.ts';
import { rawClient, type RawClient } from '../grpc/raw-client.ts';
import { flight, get, rowsInBucket, segmentsLeft, type Serving, setRoute, until, withServing } from '../harness.ts';
import {
  apiKey,
  everyWay,
  grpcRecords,
  grpcTensors,
  type Headers,
  overGrpc,
  overHttp,
  restRecords,
  restTensors,
  setPolicy,
  sha256,
  type Way,
} from './asking.ts';

const limits = { ...openPolicy('').limits };
const limited = { ...limits, requestsPerSecond: 60 };
let serving: Serving;
let server: ModelServerProcess;
let issuer: Issuer;
let client: RawClient;
let ways: readonly Way[];

beforeAll(async () => {
  serving = await withServing();
  issuer = await startIssuer();
  const { store } = serving;
  const champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  const challenger = await putTinyPackage(store, { model: 'flights', modelVersion: '2' }, { bias: 1 });
  const oidc: OidcPolicy = { issuer: issuer.url, audience, jwksUrl: null, scope: 'ask', testerScope: 'test' };
  for (const endpoint of ['guarded', 'other', 'shut', 'limited', 'constructor']) {
    await setRoute(store, endpoint, {
      champion,
      challenger: { version: challenger, weight: 0 },
      shadows: [challenger],
    });
  }
  const keys = [apiKey('ours'), apiKey('tests', { tester: true })];
  await setPolicy(store, 'guarded', { access: { apiKeys: keys, oidc } });
  await setPolicy(store, 'other', { access: { apiKeys: [apiKey('theirs')], oidc: null } });
  await setPolicy(store, 'shut', { access: { apiKeys: [], oidc: null } });
  const counted = [apiKey('rest', { requestsPerSecond: 40 }), apiKey('grpc', { requestsPerSecond: 40 })];
  await setPolicy(store, 'limited', { access: { apiKeys: counted, oidc: null }, limits: limited });
  server = await serving.start({ processes: 2 });
  client = rawClient(server.grpcUrl);
  ways = everyWay(server.url, client);
}, 60_000);

afterAll(async () => {
  client.close();
  await serving.close();
  await issuer.close();
}, 60_000);

/** How each way ends: its name and status. */
const allWays = (endpoint: string, headers: Headers) =>
  Promise.all(ways.map(async ({ name, ask }) => [name, (await ask(endpoint, headers)).status]));
const everyWayIs = (status: number) =>
  ways.map(({ name }) => [name, status === 200 && name === 'labels' ? 202 : status]);
const bearer = async (...token: Parameters<Issuer['token']>) => ({
  authorization: `Bearer ${await issuer.token(...token)}`,
});

test('nothing of an endpoint with callers is read or written without a credential, or with one of elsewhere', async () => {
  const strangers: readonly Headers[] = [
    {},
    { 'x-api-key': '' },
    { 'x-api-key': 'theirs' },
    { 'x-api-key': 'name-of-ours' },
    { authorization: 'Bearer ours' },
    { authorization: 'ApiKey ours' },
    await bearer({ scope: 'ask' }, { audience: 'perdura-others' }),
    await bearer({ scope: 'ask' }, { issuer: 'http://127.0.0.1:1' }),
    await bearer({ scope: 'ask' }, { expiresAt: new Date(Date.now() - 60_000) }),
  ];
  for (const headers of strangers) {
    expect([headers, await allWays('guarded', headers)]).toEqual([headers, everyWayIs(401)]);
  }
  expect(await allWays('shut', { 'x-api-key': 'ours' })).toEqual(everyWayIs(401));
  expect(await allWays('guarded', await bearer({ scope: 'read' }))).toEqual(everyWayIs(403));
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  expect(await rowsInBucket(serving, 'inference/guarded/')).toEqual([]);
  expect(await rowsInBucket(serving, 'labels/guarded/')).toEqual([]);
}, 60_000);

test("an endpoint's own keys and tokens open all of it", async () => {
  expect(await allWays('guarded', { 'x-api-key': 'ours' })).toEqual(everyWayIs(200));
  expect(await allWays('guarded', await bearer({ scope: 'ask' }))).toEqual(everyWayIs(200));
  expect(await allWays('other', { 'x-api-key': 'theirs' })).toEqual(everyWayIs(200));
}, 60_000);

test('only testers choose the arm, over every protocol', async () => {
  const ask = async (headers: Headers): Promise<readonly (number | string)[]> => {
    const all = [
      await overHttp(server.url, '/v2/models/guarded/infer', { headers, body: { inputs: restTensors } }),
      await overHttp(server.url, '/endpoints/guarded/predict', { headers, body: { record: flight } }),
      await overGrpc(client, 'modelInfer', { modelName: 'guarded', inputs: grpcTensors }, headers),
    ];
    return all.map(({ status, text }) => (status === 200 && text.includes('direct') ? 'direct' : status));
  };
  const challenger = { 'x-perdura-arm': 'challenger' };
  expect(await ask({ ...challenger, 'x-api-key': 'ours' })).toEqual([403, 403, 403]);
  expect(await ask({ ...challenger, ...(await bearer({ scope: 'ask' })) })).toEqual([403, 403, 403]);
  expect(await ask({ ...challenger, 'x-api-key': 'tests' })).toEqual(['direct', 'direct', 'direct']);
  expect(await ask({ ...challenger, ...(await bearer({ scope: 'ask test' })) })).toEqual([
    'direct',
    'direct',
    'direct',
  ]);
  // Whether there is such an arm is not a stranger's business either.
  const made = { 'x-perdura-arm': 'constructor' };
  expect(await ask({ ...made, 'x-api-key': 'ours' })).toEqual([403, 403, 403]);
  expect(await ask({ ...made, 'x-api-key': 'tests' })).toEqual([400, 400, 400]);
}, 60_000);

/** Asks one after the other for so long; how many were let in, and whether each refusal says when to come again. */
async function hammer(ms: number, ask: () => Promise<{ readonly status: number; readonly text: string }>) {
  let letIn = 0;
  for (const end = performance.now() + ms; performance.now() < end;) {
    const { status, text } = await ask();
    if (status === 200) letIn += 1;
    else if (status !== 429 || !text.includes('retry-after')) throw new Error(`${status}: ${text}`);
  }
  return letIn;
}

test('one connection gets the whole of its limit from a server of two processes, and hardly more', async () => {
  const body = { inputs: restTensors };
  const rest = () => overHttp(server.url, '/v2/models/limited/infer', { headers: { 'x-api-key': 'rest' }, body });
  const grpc = () =>
    overGrpc(client, 'modelInfer', { modelName: 'limited', inputs: grpcTensors }, { 'x-api-key': 'grpc' });
  for (const ask of [rest, grpc]) {
    // 40 a second for 3 seconds, and a bucket of one second at the begin, of which another process may have a part.
    const letIn = await hammer(3_000, ask);
    expect(letIn).toBeGreaterThan(90);
    expect(letIn).toBeLessThan(190);
  }
  // Both together are bounded by the endpoint's 60.
  const both = await Promise.all([hammer(3_000, rest), hammer(3_000, grpc)]);
  expect(both[0] + both[1]).toBeGreaterThan(120);
  expect(both[0] + both[1]).toBeLessThan(300);
}, 60_000);

test('an endpoint may be called like a member that every object has', async () => {
  expect(await allWays('constructor', {})).toEqual(everyWayIs(200));
  const seen = async () => (await get(server.url, '/endpoints/constructor')).body;
  await until('the shadow has answered', async () => Number((await seen())['shadowed']) >= 5);
  expect(await seen()).toMatchObject({ endpoint: 'constructor', failed: 0, shadowDropped: 0 });
}, 60_000);

/** Asks the admin port as a browser does whose page has a name that leads to this machine. */
function byName(name: string, path: string): Promise<number> {
  const { hostname, port } = new URL(server.adminUrl);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers: { host: name } }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject).end();
  });
}

test('the admin port shows no callers, changes nothing, and answers by its own address only', async () => {
  await allWays('guarded', { 'x-api-key': 'ours' });
  for (const path of ['/metrics', '/endpoints', '/ready', '/live']) {
    const { status, text } = await overHttp(server.adminUrl, path);
    expect([path, status]).toEqual([path, 200]);
    for (const hidden of ['ours', sha256('ours'), issuer.url]) expect(text).not.toContain(hidden);
    expect([path, await byName('rebound.example', path)]).toEqual([path, 403]);
    expect([path, await byName(`localhost:${new URL(server.adminUrl).port}`, path)]).toEqual([path, 200]);
    for (const verb of ['POST', 'PUT', 'DELETE']) {
      expect((await overHttp(server.adminUrl, path, { method: verb })).status).toBe(404);
    }
  }
  const hints = await Promise.all(
    Array.from({ length: 50 }, () => overHttp(server.adminUrl, '/hint', { method: 'POST' })),
  );
  expect(new Set(hints.map(({ status }) => status))).toEqual(new Set([202]));
  expect(await everyWay(server.url, client)[0]?.ask('guarded', { 'x-api-key': 'ours' })).toMatchObject({ status: 200 });
}, 30_000);

test('an answer of a fault of ours names no file, no stack and no record', async () => {
  const record = { ...flight, origin: 'BOOM', note: 'do not repeat me' };
  const all = [
    await overHttp(server.url, '/endpoints/constructor/predict', { body: { record } }),
    await overHttp(server.url, '/v2/models/constructor/infer', { body: { inputs: restRecords(record) } }),
    await overGrpc(client, 'modelInfer', { modelName: 'constructor', inputs: grpcRecords(record) }, {}),
  ];
  expect(all.map(({ status, code }) => [status, code])).toEqual(all.map(() => [500, 'FEATURES_INVALID']));
  for (const { text } of all) {
    expect(text).toContain('no such airport');
    expect(text).not.toMatch(/do not repeat me|node_modules|\.m?[jt]s:\d|\bat \w+ \(/);
    expect(text).not.toContain(serving.homeFolder);
  }
});
