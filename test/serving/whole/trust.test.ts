import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DeleteObjectCommand } from '@aws-sdk/client-s3';

import type { ModelReference } from '../../../domain/model-package.ts';
import { openPolicy } from '../../../domain/endpoint-policy.ts';
import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { createS3Client } from '../../../stores/objects/s3-client.ts';
import { policyKey } from '../../../stores/policies.ts';
import { routeKey } from '../../../stores/routes.ts';
import { signDocument } from '../../../stores/signing/signed-document.ts';
import { openSigningKey, type SigningKey } from '../../../stores/signing/signing.ts';
import { useTestKey } from '../../support/test-key.ts';
import { type TestS3, withTestS3 } from '../../support/test-s3.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { flight, type Serving, setRoute, until, withServing } from '../harness.ts';
import { apiKey, overHttp, setPolicy } from './asking.ts';

type Document = Readonly<Record<string, unknown>>;
const route = routeKey('flights');
const policy = policyKey('flights');
let service: TestS3;
let serving: Serving;
let server: ModelServerProcess;
let folder: string;
let stranger: SigningKey;
let first: ModelReference;
/** What stands in the bucket by those who have the key, and what stood there before. */
let good: Readonly<Record<string, Uint8Array>>;
let old: Readonly<Record<string, Uint8Array>>;

beforeAll(async () => {
  service = await withTestS3();
  serving = await withServing(service);
  folder = await mkdtemp(join(tmpdir(), 'perdura-trust-'));
  stranger = await openSigningKey(join(folder, 'stranger'));
  const { store } = serving;
  first = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  const second = await putTinyPackage(store, { model: 'flights', modelVersion: '2' }, { bias: 1 });
  const read = async (...keys: readonly string[]) =>
    Object.fromEntries(await Promise.all(keys.map(async (key) => [key, (await store.read(key)).bytes] as const)));
  await setRoute(store, 'flights', { champion: first });
  await setPolicy(store, 'flights', { access: { apiKeys: [apiKey('withdrawn')], oidc: null } });
  old = await read(route, policy);
  await setRoute(store, 'flights', { champion: second });
  await setPolicy(store, 'flights', { access: { apiKeys: [apiKey('ours')], oidc: null } });
  await setRoute(store, 'open', { champion: first });
  await setPolicy(store, 'open', {});
  good = await read(route, policy, routeKey('open'), policyKey('open'));
  server = await serving.start({ processes: 2 });
}, 60_000);

afterAll(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const parsed = (bytes: Uint8Array | undefined): Document => JSON.parse(Buffer.from(bytes ?? []).toString()) as Document;
const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** As its own signer would have it, under a key that is not trusted. */
function byStranger(name: string, change: Document): Uint8Array {
  const { signature: _, ...value } = { ...parsed(good[name]), ...change };
  return bytesOf({ ...value, signature: signDocument(stranger, name, value) });
}

const open = openPolicy('flights');
const others = (name: string) => (name === route ? routeKey('open') : policyKey('open'));
/** What changes for the worse if it is believed. */
const worse = (name: string): Document =>
  name === route
    ? { epoch: 9, arms: [{ name: 'champion', weight: 100, version: first }] }
    : { epoch: 9, access: null, log: open.log };

const attacks: readonly (readonly [string, (name: string) => Uint8Array])[] = [
  ['without its signature', (name) => bytesOf({ ...parsed(good[name]), ...worse(name), signature: undefined })],
  ['with the signature of what stood there', (name) => bytesOf({ ...parsed(good[name]), ...worse(name) })],
  ['signed by a stranger', (name) => byStranger(name, worse(name))],
  ['signed, and old', (name) => old[name] ?? Buffer.of()],
  ['signed, and of another endpoint', (name) => good[others(name)] ?? Buffer.of()],
  [
    "another endpoint's under this one's name",
    (name) => bytesOf({ ...parsed(good[others(name)]), endpoint: 'flights' }),
  ],
  [
    'with a signature that is none',
    (name) => bytesOf({ ...parsed(good[name]), ...worse(name), signature: 'trust me' }),
  ],
  ['with a hostile prototype', (name) => bytesOf(`{"__proto__":${Buffer.from(good[name] ?? []).toString()}}`)],
  ['of no bytes', () => Buffer.of()],
  ['of rubbish', () => bytesOf('rubbish')],
  ['of bytes that are no text', () => Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['of null', () => bytesOf('null')],
  ['of a number', () => bytesOf('3')],
  ['of a list', () => bytesOf('[]')],
  ['of nothing in it', () => bytesOf('{}')],
  [
    'signed before it was nested too deep to follow',
    (name) => {
      const signature = JSON.stringify(parsed(good[name])['signature']);
      return bytesOf(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)},"signature":${signature}}`);
    },
  ],
  ['nested too deep to follow', () => bytesOf(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
];

type Problem = { readonly code: string; readonly message: string } | null;

async function problemOf(at: ModelServerProcess, endpoint = 'flights'): Promise<Problem> {
  const { endpoints } = (await (await fetch(`${at.adminUrl}/endpoints`)).json()) as {
    readonly endpoints: readonly { readonly endpoint: string; readonly problem: Problem }[];
  };
  return endpoints.find((each) => each.endpoint === endpoint)?.problem ?? null;
}

/** Who gets what: by the key that holds, by the one that was withdrawn, by none. */
async function served(at: ModelServerProcess): Promise<readonly unknown[]> {
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const { status, text } = await overHttp(at.url, '/endpoints/flights/predict', {
      headers,
      body: { record: flight },
    });
    return status === 200 ? (/"modelVersion":"(\d+)"/.exec(text)?.[1] ?? null) : status;
  };
  return [await ask({ 'x-api-key': 'ours' }), await ask({ 'x-api-key': 'withdrawn' }), await ask({})];
}
const asBefore = ['2', 401, 401];

/** As whoever may write to the bucket can: its versions stay. */
async function remove(key: string): Promise<void> {
  const { s3 } = service;
  const client = createS3Client(s3);
  try {
    await client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }));
  } finally {
    client.destroy();
  }
}

async function hint(): Promise<void> {
  await fetch(`${server.adminUrl}/hint`, { method: 'POST' });
}

async function standsAgain(): Promise<void> {
  await serving.store.write(route, good[route] ?? Buffer.of());
  await serving.store.write(policy, good[policy] ?? Buffer.of());
  await hint();
  await until('it is as it was', async () => (await problemOf(server)) === null);
}

afterEach(standsAgain);

describe.each([
  ['a route', route],
  ['a policy', policy],
])('%s', (_, name) => {
  test.each(attacks)('%s does not come into force, and the server says why', async (__, made) => {
    await serving.store.write(name, made(name));
    await hint();
    await until('it is refused', async () => (await problemOf(server)) !== null);
    const problem = await problemOf(server);
    // Who looks must find the document at fault.
    expect(problem?.message).toContain(name);
    expect(['ROUTE_UNTRUSTED', 'DATA_UNREADABLE']).toContain(problem?.code);
    expect(await served(server)).toEqual(asBefore);
  });
});

test('a policy that was deleted still holds, also after a start, and on a machine that never saw it', async () => {
  await remove(policy);
  await hint();
  await until('it is refused', async () => (await problemOf(server))?.code === 'ROUTE_UNTRUSTED');
  expect(await served(server)).toEqual(asBefore);

  const again = await serving.start({ processes: 1, replica: 'again' });
  expect(await served(again)).toEqual(asBefore);
  await again.stop();

  const homeFolder = join(folder, 'elsewhere');
  await useTestKey(homeFolder);
  const elsewhere = await serving.start({ processes: 1, replica: 'elsewhere', homeFolder });
  expect(await served(elsewhere)).toEqual([503, 503, 503]);
  await serving.store.write(policy, good[policy] ?? Buffer.of());
  await until('it is there', async () => (await served(elsewhere))[0] === '2');
  expect(await served(elsewhere)).toEqual(asBefore);
  await elsewhere.stop();
}, 60_000);

test('who has no credential does not learn where on the machine the keys lie', async () => {
  const unsigned = { ...parsed(good[routeKey('open')]), endpoint: 'unsigned', signature: undefined };
  await serving.store.write(routeKey('unsigned'), bytesOf(unsigned));
  const { status, code, text } = await overHttp(server.url, '/endpoints/unsigned/predict', {
    body: { record: flight },
  });
  expect([status, code]).toEqual([503, 'ROUTE_UNTRUSTED']);
  expect(text).toContain('has no signature');
  expect(text).not.toContain(serving.homeFolder);
  expect(text).not.toContain('/keys/');
  const again = { ...parsed(good[routeKey('open')]), epoch: 9 };
  await serving.store.write(routeKey('open'), bytesOf(again));
  await hint();
  await until('it is refused', async () => (await problemOf(server, 'open')) !== null);
  const shown = await overHttp(server.url, '/endpoints/open');
  expect(shown.text).toContain('was altered after it was signed');
  expect(shown.text).not.toContain(serving.homeFolder);
}, 30_000);
