import { DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';

import { type AliasMove, emptyRegistry } from '../../domain/registry.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3Client } from '../../stores/objects/s3-client.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import {
  completeVersion,
  listModels,
  moveAlias,
  readRegistry,
  rejectVersion,
  reserveVersion,
} from '../../stores/registry.ts';
import { indexState, rebuildIndex } from '../../stores/registry-log.ts';
import { newVersion as registration } from '../support/lineage.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';

const at = '2001-03-01T00:00:00.000Z';

function move(moveId: string, to: string | null, alias: AliasMove['alias'] = 'champion'): Omit<AliasMove, 'from'> {
  return { moveId, alias, to, at, who: 'release/1', why: 'all guardrails hold', evidenceSha256: 'e' };
}

async function withReadyVersions(store: ObjectStore, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const { modelVersion } = await reserveVersion(store, 'flights', registration(`step-${number}`));
    await completeVersion(store, 'flights', modelVersion, `digest-${modelVersion}`);
  }
}

const indexKey = 'registry/flights.json';

/** Fails where a process that dies after its change would not come to write the index. */
function dyingBeforeIndex(store: ObjectStore): ObjectStore {
  return {
    ...store,
    write: (key, body, options) =>
      key === indexKey ? Promise.reject(new Error('killed')) : store.write(key, body, options),
  };
}

/** A bucket as another, with some keys gone. */
async function copyOf(store: ObjectStore, isKept: (key: string) => boolean): Promise<ObjectStore> {
  const copy = createMemoryObjectStore();
  for await (const { key } of store.list('')) if (isKept(key)) await copy.write(key, (await store.read(key)).bytes);
  return copy;
}

async function lived(): Promise<ObjectStore> {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 3);
  await moveAlias(store, 'flights', move('m1', '1'));
  await moveAlias(store, 'flights', move('m2', '2'));
  await rejectVersion(store, 'flights', '3', 'AUC fell by 0.01');
  return store;
}

test('the index is the same as all the changes, and each change is written once', async () => {
  const store = await lived();
  const { bytes } = await store.read(indexKey);
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(await readRegistry(store, 'flights'));
  expect(await indexState(store, 'flights')).toBe('as the changes say');
  for (let change = 1; change <= 9; change++)
    expect(await store.versions(`registry/flights/changes/${change}.json`)).toHaveLength(1);
});

test.each([
  ['a reservation', (store: ObjectStore) => reserveVersion(store, 'flights', registration('late'))],
  ['a rejection', (store: ObjectStore) => rejectVersion(store, 'flights', '1', 'late')],
  ['a move', (store: ObjectStore) => moveAlias(store, 'flights', move('m3', '1'))],
])('the index may die with its writer: %s that was killed before it is done, once', async (_, change) => {
  const store = await lived();
  await expect(change(dyingBeforeIndex(store))).rejects.toThrow('killed');
  expect(await indexState(store, 'flights')).toBe('behind');
  const after = await readRegistry(store, 'flights');
  expect(after?.changes).toBe(10);
  await change(store);
  expect(await readRegistry(store, 'flights')).toEqual(after);
  await moveAlias(store, 'flights', move('m4', '2', 'challenger'));
  expect(await indexState(store, 'flights')).toBe('as the changes say');
});

test('the index may be gone: reading, listing and the next change work from the changes', async () => {
  const store = await lived();
  const bare = await copyOf(store, (key) => key !== indexKey);
  expect(await readRegistry(bare, 'flights')).toEqual(await readRegistry(store, 'flights'));
  expect(await listModels(bare)).toEqual(await listModels(store));
  expect((await reserveVersion(bare, 'flights', registration('fourth'))).modelVersion).toBe('4');
  expect(await indexState(bare, 'flights')).toBe('as the changes say');
});

test.each([
  ['is gone', null, 'missing'],
  ['is no JSON', '{', 'unreadable'],
  ['is another document', '{"model":"flights"}', 'unreadable'],
  ['says something else', JSON.stringify({ ...emptyRegistry('flights'), changes: 9 }), 'not as the changes say'],
])('the index is made anew where it %s', async (_, text, found) => {
  const store = await lived();
  const whole = await readRegistry(store, 'flights');
  const damaged = await copyOf(store, (key) => key !== indexKey);
  if (text !== null) await damaged.write(indexKey, Buffer.from(text));
  expect(await rebuildIndex(damaged, 'flights')).toEqual({ registry: whole, found });
  expect(await rebuildIndex(damaged, 'flights')).toEqual({ registry: whole, found: 'as the changes say' });
  expect(await readRegistry(damaged, 'flights')).toEqual(whole);
});

test('the index is not made from changes of which one is gone', async () => {
  const damaged = await copyOf(await lived(), (key) => key !== 'registry/flights/changes/4.json' && key !== indexKey);
  await expect(readRegistry(damaged, 'flights')).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining("'registry/flights/changes/4.json'"),
  });
});

test('after every version of every index was deleted, all models are as they were', async () => {
  const { s3, stop } = await withTestS3();
  await ensureBucket(s3);
  const store = createS3ObjectStore(s3);
  try {
    await withReadyVersions(store, 3);
    await moveAlias(store, 'flights', move('m1', '1'));
    await moveAlias(store, 'flights', move('m2', '3'));
    await reserveVersion(store, 'late/flights', registration('a'));
    const before = await listModels(store);
    const deleted = await deleteAllVersions(s3, (key) => !key.includes('/changes/'));
    expect(new Set(deleted)).toEqual(new Set(['registry/flights.json', 'registry/late/flights.json']));
    expect(await listModels(store)).toEqual(before);
    expect((await rebuildIndex(store, 'flights')).found).toBe('missing');
    expect((await store.head('registry/flights.json')).sizeBytes).toBeGreaterThan(0);
    expect(await listModels(store)).toEqual(before);
    expect((await reserveVersion(store, 'flights', registration('fourth'))).modelVersion).toBe('4');
  } finally {
    store.close();
    await stop();
  }
}, 30_000);

/** As somebody with all rights would, below `registry/`; gives the keys. */
async function deleteAllVersions(s3: TestS3['s3'], isMeant: (key: string) => boolean): Promise<readonly string[]> {
  const client = createS3Client(s3);
  const { Versions: found = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket: s3.bucket, Prefix: 'registry/' }),
  );
  const meant = found.filter(({ Key }) => isMeant(Key ?? ''));
  for (const { Key, VersionId } of meant)
    await client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key, VersionId }));
  client.destroy();
  return meant.map(({ Key }) => Key ?? '');
}
