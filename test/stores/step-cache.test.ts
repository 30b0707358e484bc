import type { StepCacheParts } from '../../domain/step-cache.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { type Claimed, claimStep, type KeptTraining, keptTrainings, stepCacheKey } from '../../stores/step-cache.ts';

const quick = { patienceMs: 400, lookEveryMs: 10, beatEveryMs: 50 };

const parts = (epochs: number): StepCacheParts => ({
  code: { features: 'f' },
  inputs: { data: 'd' },
  params: { epochs },
  environment: { node: 'v20' },
});

function claim(
  store: ObjectStore,
  holder: string,
  options: { readonly epochs?: number; readonly signal?: AbortSignal; readonly notes?: string[] } = {},
): Promise<Claimed> {
  const own = parts(options.epochs ?? 1);
  return claimStep(
    store,
    { model: 'flights', key: stepCacheKey(own), parts: own, holder, token: `${holder}-${Math.random()}` },
    {
      ...quick,
      signal: options.signal ?? new AbortController().signal,
      onWait: (text) => options.notes?.push(text),
    },
  );
}

/** A result whose one file is really there. */
async function result(store: ObjectStore, name: string): Promise<KeptTraining> {
  const { s3VersionId } = await store.write(`runs/${name}`, new Uint8Array(3));
  const pin = { key: `runs/${name}`, s3VersionId, sizeBytes: 3, sha256: sha256Hex(new Uint8Array(3)) };
  const trained = { files: { 'model.onnx': pin }, record: pin, checkpoint: null, summary: name };
  const run = { pipeline: 'flights', workflowId: name, runId: 'r' };
  return { run, stepId: '3-train', keptAt: '2001-01-01T00:00:00Z', trained: trained as unknown as TrainedModel };
}

const leaseOf = (claimed: Claimed) => {
  if (claimed.kept !== null) throw new Error('It was found.');
  return claimed.lease;
};

test('the key follows from each of the four parts', () => {
  const own = stepCacheKey(parts(1));
  expect(stepCacheKey(parts(1))).toEqual(own);
  const changes = ['code', 'inputs', 'params', 'environment'].map(
    (part) => stepCacheKey({ ...parts(1), [part]: {} }).key,
  );
  expect(new Set([own.key, ...changes]).size).toBe(5);
});

test('of two equal trainings at once one computes, and the other gets its result and is told that it waits', async () => {
  const store = createMemoryObjectStore();
  const lease = leaseOf(await claim(store, 'first'));
  const notes: string[] = [];
  const waiting = claim(store, 'second', { notes });
  const kept = await result(store, 'first');
  while (notes.length === 0) await new Promise(setImmediate);
  await lease.keep(kept);
  expect(await waiting).toEqual({ kept });
  expect(notes[0]).toContain('first');
});

test('a holder that lives longer than the patience keeps its lease, because the document changes', async () => {
  const store = createMemoryObjectStore();
  const lease = leaseOf(await claim(store, 'first'));
  let isFound = false;
  const began = performance.now();
  const waiting = claim(store, 'second').then((claimed) => {
    isFound = true;
    return claimed;
  });
  while (performance.now() - began < 3 * quick.patienceMs) await new Promise(setImmediate);
  expect(isFound).toBe(false);
  const kept = await result(store, 'first');
  await lease.keep(kept);
  expect((await waiting).kept).toEqual(kept);
});

test('a holder that shows no sign of life is followed after the patience', async () => {
  const store = createMemoryObjectStore();
  const { key } = stepCacheKey(parts(1));
  const dead = { parts: parts(1), lease: { holder: 'dead', token: 't', beats: 3 }, kept: null };
  await store.write(`cache/training/flights/${key}.json`, new TextEncoder().encode(JSON.stringify(dead)));
  const began = performance.now();
  const lease = leaseOf(await claim(store, 'next'));
  expect(performance.now() - began).toBeGreaterThanOrEqual(quick.patienceMs);
  await lease.release();
});

test('the next attempt of the same step does not wait for its own dead one', async () => {
  const store = createMemoryObjectStore();
  const notes: string[] = [];
  const older = leaseOf(await claim(store, 'step'));
  const newer = leaseOf(await claim(store, 'step', { notes }));
  expect(notes).toEqual([]);
  await older.release();
  const other = claim(store, 'other', { notes });
  while (notes.length === 0) await new Promise(setImmediate);
  await newer.release();
  await leaseOf(await other).release();
});

test('a holder that gives up lets the next one begin at once', async () => {
  const store = createMemoryObjectStore();
  const notes: string[] = [];
  const lease = leaseOf(await claim(store, 'first'));
  const waiting = claim(store, 'second', { notes });
  while (notes.length === 0) await new Promise(setImmediate);
  const began = performance.now();
  await lease.release();
  await leaseOf(await waiting).release();
  expect(performance.now() - began).toBeLessThan(quick.patienceMs);
});

test('of many at once exactly one computes', async () => {
  const store = createMemoryObjectStore();
  let computed = 0;
  const all = Array.from({ length: 12 }, async (_, place) => {
    const claimed = await claim(store, `h${place}`);
    if (claimed.kept !== null) return claimed.kept.trained.summary;
    computed += 1;
    const kept = await result(store, `h${place}`);
    await claimed.lease.keep(kept);
    return kept.trained.summary;
  });
  expect(new Set(await Promise.all(all)).size).toBe(1);
  expect(computed).toBe(1);
});

test('a result whose objects are gone is a miss that says which', async () => {
  const store = createMemoryObjectStore();
  const kept = await result(store, 'first');
  const gone = { ...kept.trained.record, key: 'runs/gone' };
  await leaseOf(await claim(store, 'first')).keep({ ...kept, trained: { ...kept.trained, record: gone } });
  const again = await claim(store, 'second');
  expect(again).toMatchObject({ kept: null, lost: expect.stringMatching(/first.*runs\/gone is gone/) });
  await leaseOf(again).keep(kept);
  expect((await claim(store, 'third')).kept).toEqual(kept);
});

test('a result whose record was altered is a miss that says so', async () => {
  const store = createMemoryObjectStore();
  const kept = await result(store, 'first');
  const { s3VersionId } = await store.write('runs/first', Uint8Array.of(0, 1, 0));
  const record = { ...kept.trained.record, s3VersionId };
  await leaseOf(await claim(store, 'first')).keep({ ...kept, trained: { ...kept.trained, record } });
  const again = await claim(store, 'second');
  expect(again).toMatchObject({ kept: null, lost: expect.stringMatching(/runs\/first holds other bytes/) });
  await leaseOf(again).release();
});

test('results that are kept are told with their parts, leases are not', async () => {
  const store = createMemoryObjectStore();
  await leaseOf(await claim(store, 'first')).keep(await result(store, 'first'));
  const other = leaseOf(await claim(store, 'other', { epochs: 2 }));
  expect(await keptTrainings(store, 'flights')).toEqual([{ name: 'first', parts: parts(1) }]);
  await other.release();
});

test('whoever waits can be ended', async () => {
  const store = createMemoryObjectStore();
  const lease = leaseOf(await claim(store, 'first'));
  const ended = new AbortController();
  const waiting = claim(store, 'second', { signal: ended.signal });
  ended.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
  await lease.release();
});
