import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isCoded } from '../../domain/errors.ts';
import type { ObjectStore, StoredVersion } from '../../stores/objects/object-store.ts';

/** One adapter under test; `keys`: how many keys make more than one page of its listing. */
export type StoreUnderTest = { readonly store: ObjectStore; readonly keys: number; close(): Promise<void> };

const text = (value: string) => new TextEncoder().encode(value);
const plain = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What every object store must do; one suite for all adapters. `open` gives an empty store, once for the whole suite. */
export function objectStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let opened: StoreUnderTest;
    let store: ObjectStore;
    let folder: string;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      folder = await mkdtemp(join(tmpdir(), 'perdura-contract-'));
    }, 30_000);
    afterAll(async () => {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('each write to a key is a new version, and the newest comes first', async () => {
      const written = [];
      for (const value of ['one', 'two', 'three']) written.push(await store.write('versions/a', text(value)));
      await store.write('versions/ab', text('of another key'));
      await store.write('versions/a-longer', text('of another key'));
      const found = await store.versions('versions/a');
      expect(found.map(identity)).toEqual(written.toReversed().map(identity));
      expect(new Set(written.map(({ s3VersionId }) => s3VersionId)).size).toBe(3);
    });

    test('all versions of a key are found, over more than one page', async () => {
      const written: StoredVersion[] = [];
      for (let index = 0; index < 12; index++) written.push(await store.write('many/versions', text(String(index))));
      expect((await store.versions('many/versions')).map(identity)).toEqual(written.toReversed().map(identity));
    });

    test('a key without versions has none', async () => {
      expect(await store.versions('versions/never')).toEqual([]);
    });

    test('a version is read by its id after it was written over', async () => {
      const first = await store.write('pinned', text('first'));
      const second = await store.write('pinned', text('second'));
      const { s3VersionId } = first;
      expect(plain((await store.read('pinned', { s3VersionId })).bytes)).toBe('first');
      expect(plain((await store.read('pinned')).bytes)).toBe('second');
      expect(identity(await store.head('pinned', { s3VersionId }))).toEqual(identity(first));
      expect(identity(await store.head('pinned'))).toEqual(identity(second));
      expect(plain(await collect(store.stream('pinned', { s3VersionId })))).toBe('first');
    });

    test('write, head, read and list tell the same etag, size and time to the second', async () => {
      const written = await store.write('told/object', text('the same'));
      const headed = await store.head('told/object');
      const { version } = await store.read('told/object');
      const [listed] = await all(store.list('told/'));
      expect(version).toEqual(headed);
      expect({ ...listed, s3VersionId: headed.s3VersionId }).toEqual(headed);
      expect(identity(written)).toEqual(identity(headed));
      expect(Math.abs(Date.parse(written.modifiedAt) - Date.parse(headed.modifiedAt))).toBeLessThanOrEqual(2_000);
    });

    test('of 20 writers over the same version exactly one wins, round after round, and the others get CONFLICT', async () => {
      let { etag } = await store.write('race/replace', text('start'));
      for (let round = 1; round <= 8; round++) {
        const write = (index: number) =>
          store.write('race/replace', text(`${round}: writer ${index}`), { ifMatch: etag });
        expect(await race(20, write)).toEqual({ won: 1, codes: Array(19).fill('CONFLICT') });
        expect(await store.versions('race/replace')).toHaveLength(1 + round);
        etag = (await store.head('race/replace')).etag;
      }
    }, 30_000);

    test('of 20 writers where nothing is exactly one wins, key after key, and the others get CONFLICT', async () => {
      for (let round = 1; round <= 8; round++) {
        const write = (index: number) => store.write(`race/${round}`, text(`writer ${index}`), { ifAbsent: true });
        expect(await race(20, write)).toEqual({ won: 1, codes: Array(19).fill('CONFLICT') });
      }
    });

    test('no version that was answered for is lost when 20 write at once', async () => {
      const written = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.write('race/all', text(`writer ${index}`))),
      );
      const found = (await store.versions('race/all')).map(({ s3VersionId }) => s3VersionId);
      expect(found.toSorted()).toEqual(written.map(({ s3VersionId }) => s3VersionId).toSorted());
    });

    test('a write over a version that is no longer the newest changes nothing', async () => {
      const old = await store.write('stale', text('old'));
      await store.write('stale', text('new'));
      expect(await codeOf(store.write('stale', text('late'), { ifMatch: old.etag }))).toBe('CONFLICT');
      expect(plain((await store.read('stale')).bytes)).toBe('new');
    });

    test('what is not there is NOT_FOUND, however it is asked for', async () => {
      const { s3VersionId } = await store.write('there', text('x'));
      expect(await codeOf(store.head('absent'))).toBe('NOT_FOUND');
      expect(await codeOf(store.read('absent'))).toBe('NOT_FOUND');
      expect(await codeOf(collect(store.stream('absent')))).toBe('NOT_FOUND');
      expect(await codeOf(store.write('absent', text('x'), { ifMatch: 'abc' }))).toBe('NOT_FOUND');
      for (const unknown of ['no-version-id', s3VersionId.replace(/.$/, (last) => (last === '0' ? '1' : '0'))]) {
        expect(await codeOf(store.read('there', { s3VersionId: unknown }))).toBe('NOT_FOUND');
        expect(await codeOf(store.head('there', { s3VersionId: unknown }))).toBe('NOT_FOUND');
      }
    });

    test('keys are listed in the order of their bytes, over more than one page', async () => {
      const keys = Array.from({ length: opened.keys }, (_, index) => `page/${(index * 7919) % opened.keys}`);
      // '-' and '.' sort before '/', which a listing folder by folder gets wrong.
      keys.push(
        'page/a/b',
        'page/a-b',
        'page/a.b',
        'page/a0',
        'page/Z',
        'page/é',
        'page/dt=2001-01-31/hr=07/a b+c.parquet',
      );
      for (const key of keys) await store.write(key, text('x'));
      await store.write('pages/of-another-prefix', text('x'));
      const listed = (await all(store.list('page/'))).map(({ key }) => key);
      expect(listed).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    });

    test('a listing shows the newest version of each key once', async () => {
      await store.write('listed/a', text('old'));
      await store.write('listed/a', text('newest'));
      expect((await all(store.list('listed/'))).map(({ key, sizeBytes }) => ({ key, sizeBytes }))).toEqual([
        { key: 'listed/a', sizeBytes: 6 },
      ]);
      expect(await all(store.list('listed/nothing/'))).toEqual([]);
    });

    test('a listing with pins gives each key once with its newest version, in the order of bytes, over more than one page', async () => {
      const newest: StoredVersion[] = [];
      for (const name of ['a/b', 'a-b', 'a.b', 'a0', 'Z', 'é', 'dt=2001-01-31/a b+c.parquet', 'c', 'd', 'e']) {
        for (let version = 0; version < 3; version++) {
          const written = await store.write(`pins/${name}`, text(`${name} ${version}`));
          if (version === 2) newest.push(written);
        }
      }
      const byBytes = (a: StoredVersion, b: StoredVersion) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
      const listed = await all(store.list('pins/', { pins: 'with-versions' }));
      expect(listed.map(identity)).toEqual(newest.toSorted(byBytes).map(identity));
      expect(await all(store.list('pins/nothing/', { pins: 'with-versions' }))).toEqual([]);
    });

    test('a file of 8 MiB is streamed in and out unchanged', async () => {
      const bytes = randomBytes(8 * 1024 * 1024);
      const file = join(folder, 'large.bin');
      await writeFile(file, bytes);
      const written = await store.write('large', { file });
      expect(written.sizeBytes).toBe(bytes.byteLength);
      const hash = createHash('sha256');
      let chunks = 0;
      for await (const chunk of store.stream('large', { s3VersionId: written.s3VersionId })) {
        hash.update(chunk);
        chunks++;
      }
      expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(chunks).toBeGreaterThan(1);
    });

    test('a download can be left in the middle, and the store goes on', async () => {
      await store.write('left', new Uint8Array(4 * 1024 * 1024));
      for await (const chunk of store.stream('left')) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect((await store.head('left')).sizeBytes).toBe(4 * 1024 * 1024);
    });

    test('an object may be empty, from memory and from a file', async () => {
      const file = join(folder, 'empty');
      await writeFile(file, '');
      await store.write('empty/bytes', new Uint8Array());
      await store.write('empty/file', { file });
      expect((await store.read('empty/bytes')).bytes).toHaveLength(0);
      expect(await collect(store.stream('empty/file'))).toHaveLength(0);
    });

    test('a file that is missing is INPUT_INVALID and writes nothing', async () => {
      expect(await codeOf(store.write('from-nowhere', { file: join(folder, 'nowhere') }))).toBe('INPUT_INVALID');
      expect(await codeOf(store.head('from-nowhere'))).toBe('NOT_FOUND');
    });

    test('bytes that the caller changes afterwards do not change the object', async () => {
      const bytes = text('kept');
      await store.write('kept', bytes);
      bytes.fill(0);
      (await store.read('kept')).bytes.fill(0);
      expect(plain((await store.read('kept')).bytes)).toBe('kept');
    });

    test('a version under retention can be written and read', async () => {
      const retainUntil = new Date(Date.now() + 60_000);
      const { s3VersionId } = await store.write('locked/readable', text('sealed'), { retainUntil, ifAbsent: true });
      expect(plain((await store.read('locked/readable', { s3VersionId })).bytes)).toBe('sealed');
    });
  });
}

/** The code of the error that a promise rejects with, or the other error itself; a promise that resolves is an error too. */
export function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => new Error('Nothing was thrown.'), codeOfError);
}

async function race(writers: number, write: (index: number) => Promise<unknown>) {
  const settled = await Promise.allSettled(Array.from({ length: writers }, (_, index) => write(index)));
  const codes = settled.flatMap((result) => (result.status === 'rejected' ? [codeOfError(result.reason)] : []));
  return { won: writers - codes.length, codes };
}

function codeOfError(error: unknown): unknown {
  return isCoded(error) ? error.code : error;
}

function identity({ key, s3VersionId, etag, sizeBytes }: StoredVersion) {
  return { key, s3VersionId, etag, sizeBytes };
}

async function all(listing: AsyncIterable<StoredVersion>): Promise<StoredVersion[]> {
  const found: StoredVersion[] = [];
  for await (const version of listing) found.push(version);
  return found;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return Buffer.concat(found);
}
