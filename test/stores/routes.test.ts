import type { Arm, RouteChange } from '../../domain/route.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { listRoutes, readRoute, readTrustedRoute, routeHistory, signRoute, writeRoute } from '../../stores/routes.ts';
import { requireSignedDocument } from '../../stores/signing/signed-document.ts';
import { codeOf } from '../contracts/object-store.ts';
import { testKey, testTrust } from '../support/test-key.ts';
import { withTestS3 } from '../support/test-s3.ts';

const at = '2001-03-01T00:00:00.000Z';
const key = await testKey();

function arm(name: Arm['name'], weight: number): Arm {
  return { name, weight, version: { model: 'flights', modelVersion: '1', packageDigest: 'd' } };
}

function change(changeId: string, arms: readonly Arm[] = [arm('champion', 100)]): RouteChange {
  return { endpoint: 'flights', changeId, arms, shadows: [], who: 'release/1', why: 'canary' };
}

test('an endpoint without a route has none', async () => {
  const store = createMemoryObjectStore();
  expect(await readRoute(store, 'flights')).toBeNull();
  expect(await listRoutes(store)).toEqual([]);
  expect(await routeHistory(store, 'flights')).toEqual([]);
});

test('the epoch grows by one with each change', async () => {
  const store = createMemoryObjectStore();
  expect((await writeRoute(store, change('a'), { expectedEpoch: 0, at, key })).epoch).toBe(1);
  const second = await writeRoute(store, change('b', [arm('champion', 95), arm('challenger', 5)]), {
    expectedEpoch: 1,
    at,
    key,
  });
  expect(second).toMatchObject({ epoch: 2, at, changeId: 'b' });
  expect((await readRoute(store, 'flights'))?.route).toEqual(second);
  expect((await readRoute(store, 'flights'))?.etag).toBe((await store.head('routes/flights.json')).etag);
});

test('a change on another epoch than it expects is CONFLICT and changes nothing', async () => {
  const store = createMemoryObjectStore();
  await writeRoute(store, change('a'), { expectedEpoch: 0, at, key });
  expect(await codeOf(writeRoute(store, change('b'), { expectedEpoch: 0, at, key }))).toBe('CONFLICT');
  expect(await codeOf(writeRoute(store, change('b'), { expectedEpoch: 2, at, key }))).toBe('CONFLICT');
  expect((await readRoute(store, 'flights'))?.route.changeId).toBe('a');
});

test('a repeated change finds its own route', async () => {
  const store = createMemoryObjectStore();
  const first = await writeRoute(store, change('a'), { expectedEpoch: 0, at, key });
  const again = await writeRoute(store, change('a'), { expectedEpoch: 0, at: '2001-03-02T00:00:00.000Z', key });
  expect(again).toEqual(first);
  expect(await store.versions('routes/flights.json')).toHaveLength(1);
});

test.each([
  ['no arms', []],
  ['weights that sum to 99', [arm('champion', 94), arm('challenger', 5)]],
  ['a weight below 0', [arm('champion', 110), arm('challenger', -10)]],
  ['a weight that is not a number', [arm('champion', Number.NaN)]],
  ['two arms of one name', [arm('champion', 50), arm('champion', 50)]],
])('a route with %s is INPUT_INVALID', async (_, arms) => {
  const store = createMemoryObjectStore();
  expect(await codeOf(writeRoute(store, change('a', arms), { expectedEpoch: 0, at, key }))).toBe('INPUT_INVALID');
  expect(await readRoute(store, 'flights')).toBeNull();
});

test('weights that sum to 100 in decimals only are taken', async () => {
  const store = createMemoryObjectStore();
  // 33.1 + 66.9 is 100.00000000000001 or 99.99999999999999 for some such pairs in binary floating point.
  for (const [epoch, weight] of [0.1, 33.1, 33.3, 1.1].entries()) {
    const arms = [arm('champion', 100 - weight), arm('challenger', weight)];
    await writeRoute(store, change(`c${epoch}`, arms), { expectedEpoch: epoch, at, key });
  }
  expect((await readRoute(store, 'flights'))?.route.epoch).toBe(4);
});

test('the route is signed; what was altered or not signed is not built upon', async () => {
  const store = createMemoryObjectStore();
  const route = await writeRoute(store, change('a'), { expectedEpoch: 0, at, key });
  const found = await readRoute(store, 'flights');
  requireSignedDocument('routes/flights.json', route, found?.signature, await testTrust());
  expect(await readTrustedRoute(store, 'flights', testTrust)).toEqual(route);
  expect(await readTrustedRoute(store, 'trains', testTrust)).toBeNull();
  for (const other of [{ ...route, epoch: 2, signature: found?.signature }, route]) {
    await store.write('routes/flights.json', new TextEncoder().encode(JSON.stringify(other)));
    expect(await codeOf(readTrustedRoute(store, 'flights', testTrust))).toBe('ROUTE_UNTRUSTED');
  }
});

test('a person signs a route that was not signed, with an epoch above all that there were; a signed one stays', async () => {
  const store = createMemoryObjectStore();
  const by = { changeId: 'sign', at: '2001-03-02T00:00:00.000Z', who: 'ada', why: 'old', key, trusted: testTrust };
  for (const expectedEpoch of [0, 1, 2])
    await writeRoute(store, change(`c${expectedEpoch}`), { expectedEpoch, at, key });
  const forged = { ...change('forged'), epoch: 1, at };
  await store.write('routes/flights.json', new TextEncoder().encode(JSON.stringify(forged)));
  const { key: _, trusted, ...vouched } = by;
  expect(await signRoute(store, 'flights', by)).toEqual({ ...forged, ...vouched, epoch: 4 });
  expect(await readTrustedRoute(store, 'flights', trusted)).toMatchObject({ epoch: 4, changeId: 'sign' });
  expect(await signRoute(store, 'flights', { ...by, changeId: 'again' })).toBeNull();
  expect(await codeOf(signRoute(store, 'trains', by))).toBe('NOT_FOUND');
});

test('on S3 one of 10 changes of the same epoch wins, and the history has every route, newest first', async () => {
  const { s3, stop } = await withTestS3();
  await ensureBucket(s3);
  const store = createS3ObjectStore(s3);
  try {
    for (const expectedEpoch of [0, 1, 2]) {
      const changes = Array.from({ length: 10 }, (_, index) => change(`${expectedEpoch}-${index}`));
      const settled = await Promise.allSettled(
        changes.map((one) => writeRoute(store, one, { expectedEpoch, at, key })),
      );
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
    const history = await routeHistory(store, 'flights');
    expect(history.map(({ epoch }) => epoch)).toEqual([3, 2, 1]);
    expect(await listRoutes(store)).toEqual([history[0]]);
    expect((await readRoute(store, 'flights'))?.etag).toBe((await store.head('routes/flights.json')).etag);
  } finally {
    store.close();
    await stop();
  }
}, 30_000);
