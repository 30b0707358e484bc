import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ReleaseDependencies, releaseActivities } from '../../../activities/release/release-activities.ts';
import { CodedError } from '../../../domain/errors.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { readRoute, routeKey } from '../../../stores/routes.ts';
import { writeServerReport } from '../../../stores/server-reports.ts';
import { requireSignedDocument } from '../../../stores/signing/signed-document.ts';
import { testKeysFolder, testTrust } from '../../support/test-key.ts';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perdura-write-route-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const version = { model: 'flights', modelVersion: '1', packageDigest: 'd' };
const arms = [{ name: 'champion', version, weight: 100 }] as const;
const change = { endpoint: 'flights', changeId: 'a', arms, shadows: [], who: 'release/1', why: 'test' };
const now = () => new Date().toISOString();

function activities(store: ObjectStore, more: Partial<ReleaseDependencies> = {}) {
  const lines: string[] = [];
  const dependencies: ReleaseDependencies = {
    store,
    cacheFolder: join(folder, 'cache'),
    packages: { folder: join(folder, 'packages'), trusted: testTrust },
    keysFolder: testKeysFolder(),
    client: { change: () => Promise.reject(new Error('not asked')), isOpen: () => Promise.resolve(false) },
    now,
    beat: () => ({ signal: new AbortController().signal }),
    report: (line) => lines.push(line),
    ...more,
  };
  return { ...releaseActivities(dependencies), lines };
}

test('a route is signed with the key of the worker, and read back by whoever trusts it', async () => {
  const store = createMemoryObjectStore();
  const { writeRoute, readRoute: read } = activities(store);
  const route = await writeRoute({ change, expectedEpoch: 0 });
  requireSignedDocument(routeKey('flights'), route, (await readRoute(store, 'flights'))?.signature, await testTrust());
  expect(await read({ endpoint: 'flights' })).toEqual(route);
  await expect(
    activities(store, { packages: { folder, trusted: async () => [] } }).readRoute({ endpoint: 'flights' }),
  ).rejects.toMatchObject({ code: 'ROUTE_UNTRUSTED' });
});

test('a worker whose own key is not trusted writes no route', async () => {
  const store = createMemoryObjectStore();
  const { writeRoute } = activities(store, { keysFolder: join(folder, 'stranger') });
  await expect(writeRoute({ change, expectedEpoch: 0 })).rejects.toMatchObject({
    code: 'ROUTE_UNTRUSTED',
    message: expect.stringContaining(join(folder, 'stranger')),
  });
  expect(await readRoute(store, 'flights')).toBeNull();
});

test('a server that says why it does not follow is named, and the route stands', async () => {
  const store = createMemoryObjectStore();
  const { writeRoute, lines } = activities(store);
  const problem = { code: 'MODEL_INVALID', message: 'It does not load.', remedy: '', details: {} } as const;
  const endpoints = [{ endpoint: 'flights', epoch: 0, policyEpoch: 0, problem }];
  const report = () => writeServerReport(store, { replica: 'a', at: now(), adminUrl: 'http://127.0.0.1:1', endpoints });
  await report();
  const again = setInterval(() => void report(), 20);
  try {
    expect(await writeRoute({ change, expectedEpoch: 0 })).toMatchObject({ epoch: 1 });
  } finally {
    clearInterval(again);
  }
  expect(lines).toEqual([expect.stringMatching(/^Model server 'a' is at epoch 0, .* It does not load\.$/)]);
});

test('an outage right after the write does not make the step fail', async () => {
  const store = createMemoryObjectStore();
  const away = (): never => {
    throw new CodedError('SERVICE_UNAVAILABLE', 'S3 does not answer.');
  };
  const { writeRoute, lines } = activities({ ...store, list: away });
  expect(await writeRoute({ change, expectedEpoch: 0 })).toMatchObject({ epoch: 1 });
  expect(lines).toEqual([expect.stringContaining('S3 does not answer.')]);
});
