import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ObjectPin } from '../../domain/snapshot.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { orDiskFull, writeWholeFile } from '../../stores/local-files.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { codeOf } from '../contracts/object-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-cache-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const content = new TextEncoder().encode('the pinned bytes'.repeat(20_000));

async function pinned(store: ObjectStore): Promise<ObjectPin> {
  const { key, s3VersionId, sizeBytes } = await store.write('data/flights/a.parquet', content);
  return { key, s3VersionId, sizeBytes, sha256: sha256Hex(content) };
}

/** Counts downloads. */
function counting(store: ObjectStore): { store: ObjectStore; downloads: () => number } {
  let downloads = 0;
  const stream: ObjectStore['stream'] = (key, options) => {
    downloads++;
    return store.stream(key, options);
  };
  return { store: { ...store, stream }, downloads: () => downloads };
}

test('a pinned version is downloaded once, also after the key was written over', async () => {
  const { store, downloads } = counting(createMemoryObjectStore());
  const pin = await pinned(store);
  await store.write(pin.key, new TextEncoder().encode('newer'));
  const cache = createObjectCache(store, folder);
  const path = await cache.localFile(pin);
  expect(new Uint8Array(await readFile(path))).toEqual(content);
  expect(await cache.localFile(pin)).toBe(path);
  expect(await createObjectCache(store, folder).localFile(pin)).toBe(path);
  expect(downloads()).toBe(1);
});

test('20 callers of one cache share one download', async () => {
  const { store, downloads } = counting(createMemoryObjectStore());
  const pin = await pinned(store);
  const cache = createObjectCache(store, folder);
  const paths = await Promise.all(Array.from({ length: 20 }, () => cache.localFile(pin)));
  expect(new Set(paths).size).toBe(1);
  expect(downloads()).toBe(1);
});

test('ten caches of one folder at once, as of ten processes, leave one whole file', async () => {
  const store = createMemoryObjectStore();
  const pin = await pinned(store);
  const paths = await Promise.all(Array.from({ length: 10 }, () => createObjectCache(store, folder).localFile(pin)));
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(join(folder, 'objects'))).toEqual([pin.sha256]);
  expect(sha256Hex(await readFile(join(folder, 'objects', pin.sha256)))).toBe(pin.sha256);
});

test('bytes that are not the pinned ones are EVIDENCE_ALTERED, name the object and leave nothing', async () => {
  const store = createMemoryObjectStore();
  const pin = await pinned(store);
  const altered = content.slice();
  altered[altered.length - 1] = 0;
  const { s3VersionId } = await store.write(pin.key, altered);
  const failure = await createObjectCache(store, folder)
    .localFile({ ...pin, s3VersionId })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'EVIDENCE_ALTERED', details: { key: pin.key, s3VersionId } });
  expect(await readdir(join(folder, 'objects'))).toEqual([]);
});

test('a pinned version that is gone is EVIDENCE_ALTERED', async () => {
  const store = createMemoryObjectStore();
  const pin = await pinned(store);
  expect(await codeOf(createObjectCache(store, folder).localFile({ ...pin, s3VersionId: 'gone' }))).toBe(
    'EVIDENCE_ALTERED',
  );
});

test('a local file that was altered is downloaded anew, also by the cache that brought it', async () => {
  const store = createMemoryObjectStore();
  const pin = await pinned(store);
  const cache = createObjectCache(store, folder);
  const path = await cache.localFile(pin);
  await writeFile(path, content.slice(1));
  await cache.localFile(pin);
  expect(sha256Hex(await readFile(path))).toBe(pin.sha256);
});

test('a download that fails in the middle leaves no file', async () => {
  async function* breaking() {
    yield content;
    throw new Error('broke off');
  }
  await expect(writeWholeFile(join(folder, 'whole'), breaking())).rejects.toThrow('broke off');
  expect(await readdir(folder)).toEqual([]);
});

// A full disk: Linux's /dev/full answers every write with ENOSPC.
test('no room on the disk is DISK_FULL and names the file', async () => {
  const noRoom: unknown = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
  expect(orDiskFull(noRoom, '/home/a/.perdura/cache/x')).toMatchObject({
    code: 'DISK_FULL',
    details: { path: '/home/a/.perdura/cache/x' },
  });
});
