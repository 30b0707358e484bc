import { type AliasMove, emptyRegistry } from '../../domain/registry.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import {
  completeVersion,
  listModels,
  moveAlias,
  readRegistry,
  rejectVersion,
  reserveVersion,
  versionReference,
} from '../../stores/registry.ts';
import { codeOf } from '../contracts/object-store.ts';
import { newVersion as registration } from '../support/lineage.ts';
import { withTestS3 } from '../support/test-s3.ts';

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

test('versions are numbered from 1, and a repeated registration finds its own', async () => {
  const store = createMemoryObjectStore();
  const first = await reserveVersion(store, 'flights', registration('a'));
  const second = await reserveVersion(store, 'flights', registration('b'));
  const again = await reserveVersion(store, 'flights', registration('a'));
  expect([first.modelVersion, second.modelVersion]).toEqual(['1', '2']);
  expect(again).toEqual(first);
  expect(first).toMatchObject({ status: 'pending', packageDigest: null });
});

test('20 registrations at once get 20 different numbers', async () => {
  const store = createMemoryObjectStore();
  const reserved = await Promise.all(
    Array.from({ length: 20 }, (_, index) => reserveVersion(store, 'flights', registration(`step-${index}`))),
  );
  const numbers = reserved.map(({ modelVersion }) => Number(modelVersion)).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

test('the number after 9 and 10 is 11', async () => {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 10);
  expect((await reserveVersion(store, 'flights', registration('eleventh'))).modelVersion).toBe('11');
});

test('a version is complete once, with one package', async () => {
  const store = createMemoryObjectStore();
  await reserveVersion(store, 'flights', registration('a'));
  const ready = await completeVersion(store, 'flights', '1', 'digest');
  expect(ready).toMatchObject({ status: 'ready', packageDigest: 'digest' });
  expect(await completeVersion(store, 'flights', '1', 'digest')).toEqual(ready);
  expect(await codeOf(completeVersion(store, 'flights', '1', 'another'))).toBe('CONFLICT');
});

test('a rejected version keeps its first reason and cannot become champion', async () => {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 1);
  await rejectVersion(store, 'flights', '1', 'AUC fell by 0.01');
  expect(await rejectVersion(store, 'flights', '1', 'another reason')).toMatchObject({
    status: 'rejected',
    reason: 'AUC fell by 0.01',
  });
  expect(await codeOf(moveAlias(store, 'flights', move('m1', '1')))).toBe('INPUT_INVALID');
});

test('a champion cannot be rejected', async () => {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 1);
  await moveAlias(store, 'flights', move('m1', '1'));
  expect(await codeOf(rejectVersion(store, 'flights', '1', 'late'))).toBe('CONFLICT');
});

test('an alias does not move to a version without a package', async () => {
  const store = createMemoryObjectStore();
  await reserveVersion(store, 'flights', registration('a'));
  expect(await codeOf(moveAlias(store, 'flights', move('m1', '1')))).toBe('INPUT_INVALID');
  expect((await readRegistry(store, 'flights'))?.moves).toEqual([]);
});

test('each move is kept with where it came from', async () => {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 2);
  await moveAlias(store, 'flights', move('m1', '1'));
  await moveAlias(store, 'flights', move('m2', '2', 'challenger'));
  await moveAlias(store, 'flights', move('m3', '2'));
  const { registry } = await moveAlias(store, 'flights', move('m4', null, 'challenger'));
  expect(registry.aliases).toEqual({ champion: '2' });
  expect(registry.moves.map(({ alias, from, to }) => [alias, from, to])).toEqual([
    ['champion', null, '1'],
    ['challenger', null, '2'],
    ['champion', '1', '2'],
    ['challenger', '2', null],
  ]);
});

test('a repeated move is done once, also after later moves', async () => {
  const store = createMemoryObjectStore();
  await withReadyVersions(store, 2);
  expect((await moveAlias(store, 'flights', move('m1', '1'))).moved).toBe(true);
  await moveAlias(store, 'flights', move('m2', '2'));
  const again = await moveAlias(store, 'flights', move('m1', '1'));
  expect(again.moved).toBe(false);
  expect(again.registry.aliases).toEqual({ champion: '2' });
  expect(again.registry.moves).toHaveLength(2);
});

test('what does not exist is NOT_FOUND', async () => {
  const store = createMemoryObjectStore();
  expect(await readRegistry(store, 'flights')).toBeNull();
  expect(await codeOf(moveAlias(store, 'flights', move('m1', '1')))).toBe('NOT_FOUND');
  const reserved = await reserveVersion(store, 'flights', registration('a'));
  expect(await codeOf(moveAlias(store, 'flights', move('m1', '7')))).toBe('NOT_FOUND');
  expect(await codeOf(completeVersion(store, 'flights', '7', 'digest'))).toBe('NOT_FOUND');
  const registry = { ...emptyRegistry('flights'), changes: 1, versions: [reserved] };
  expect(() => versionReference(registry, '1')).toThrow('has no package yet');
});

test('models are listed by name, also those with a slash', async () => {
  const store = createMemoryObjectStore();
  await reserveVersion(store, 'late/flights', registration('a'));
  await reserveVersion(store, 'fares', registration('a'));
  expect((await listModels(store)).map(({ model }) => model)).toEqual(['fares', 'late/flights']);
});

test('a semantic version comes from the one before it', async () => {
  const store = createMemoryObjectStore();
  await reserveVersion(store, 'flights', registration('a'));
  await reserveVersion(store, 'flights', registration('b'));
  const data = { snapshot: { dataset: 'flights', digest: 'newer', rows: 20 }, rows: 20 };
  await reserveVersion(store, 'flights', registration('c', { data }));
  const { modelVersion, semanticVersion } = await reserveVersion(store, 'flights', registration('c'));
  expect({ modelVersion, semanticVersion }).toEqual({ modelVersion: '3', semanticVersion: '1.1.0' });
  const versions = (await readRegistry(store, 'flights'))?.versions.map((version) => version.semanticVersion);
  expect(versions).toEqual(['1.0.0', '1.0.1', '1.1.0']);
});

test('a model cannot be called so that its index would lie among the changes of another', async () => {
  const store = createMemoryObjectStore();
  expect(await codeOf(reserveVersion(store, 'flights/changes/1', registration('a')))).toBe('INPUT_INVALID');
});

describe('on S3', () => {
  test('of promotions at once each is recorded, in one order, and the last is the champion', async () => {
    const { s3, stop } = await withTestS3();
    await ensureBucket(s3);
    // A store for each: no two share a connection or a process's luck.
    const stores = Array.from({ length: 4 }, () => createS3ObjectStore(s3));
    try {
      const [first] = stores;
      if (first === undefined) throw new Error('no store');
      await withReadyVersions(first, 4);
      // Each promotion is sent twice, as a step that is repeated after a kill.
      const moves = stores.flatMap((store, index) => [
        moveAlias(store, 'flights', move(`m${index + 1}`, String(index + 1))),
        moveAlias(store, 'flights', move(`m${index + 1}`, String(index + 1))),
      ]);
      const moved = (await Promise.all(moves)).filter((result) => result.moved);
      expect(moved).toHaveLength(4);
      const registry = await readRegistry(first, 'flights');
      const order = registry?.moves.map(({ to }) => to) ?? [];
      expect(order).toHaveLength(4);
      expect(new Set(order)).toEqual(new Set(['1', '2', '3', '4']));
      expect(registry?.moves.map(({ from }) => from)).toEqual([null, ...order.slice(0, -1)]);
      expect(registry?.aliases.champion).toBe(order.at(-1));
    } finally {
      for (const store of stores) store.close();
      await stop();
    }
  }, 30_000);
});
