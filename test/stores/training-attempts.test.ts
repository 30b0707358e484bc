import type { TrainedModel } from '../../domain/trainer.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { beginAttempt, publishTraining, readAttempts, recordCheckpoint } from '../../stores/training-attempts.ts';
import { codeOf } from '../contracts/object-store.ts';

const step = { run: { pipeline: 'flights', workflowId: 'flights/1', runId: 'r1' }, stepId: '3-train' };
const startedAt = '2001-01-01T00:00:00.000Z';
const trained = (summary: string) => ({ summary }) as TrainedModel;
const pin = (key: string) => ({ key, s3VersionId: 'v', sizeBytes: 1, sha256: 's' });
const kept = (step: number) => ({ checkpoint: { step, file: pin(`c/${step}`) }, points: pin(`p/${step}`) });
const begin = (store: ReturnType<typeof createMemoryObjectStore>, holder: string) =>
  beginAttempt(store, step, { holder, startedAt });

test('attempts take the next number, whoever begins at once', async () => {
  const store = createMemoryObjectStore();
  const holders = Array.from({ length: 8 }, (_, place) => `h${place}`);
  const begun = await Promise.all(holders.map((holder) => begin(store, holder)));
  expect(begun.map(({ attempt }) => attempt).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a write whose answer was lost takes no second number', async () => {
  const store = createMemoryObjectStore();
  expect((await begin(store, 'same')).attempt).toBe(1);
  expect((await begin(store, 'same')).attempt).toBe(1);
});

test('a zombie that wakes up while the newer attempt works cannot publish, and the newer one can', async () => {
  const store = createMemoryObjectStore();
  const zombie = await begin(store, 'zombie');
  const newer = await begin(store, 'newer');
  expect(await codeOf(publishTraining(store, zombie, trained('old')))).toBe('CONFLICT');
  expect(await publishTraining(store, newer, trained('new'))).toEqual(trained('new'));
});

test('a zombie that wakes up after the newer attempt ended changes nothing', async () => {
  const store = createMemoryObjectStore();
  const zombie = await begin(store, 'zombie');
  const newer = await begin(store, 'newer');
  await publishTraining(store, newer, trained('new'));
  expect(await codeOf(publishTraining(store, zombie, trained('old')))).toBe('CONFLICT');
  expect(await codeOf(recordCheckpoint(store, zombie, kept(9)))).toBe('CONFLICT');
  expect(await readAttempts(store, step)).toMatchObject({ published: trained('new'), checkpoint: null });
});

test('publishing again with the same attempt gives the result that stands', async () => {
  const store = createMemoryObjectStore();
  const own = await begin(store, 'own');
  await publishTraining(store, own, trained('first'));
  expect(await publishTraining(store, own, trained('second'))).toEqual(trained('first'));
});

test('the next attempt gets the newest checkpoint, and one after the end the result', async () => {
  const store = createMemoryObjectStore();
  const first = await begin(store, 'first');
  for (const number of [1, 2]) await recordCheckpoint(store, first, kept(number));
  const second = await begin(store, 'second');
  expect(second).toMatchObject({ attempt: 2, ...kept(2), published: null });
  await publishTraining(store, second, trained('new'));
  expect((await begin(store, 'third')).published).toEqual(trained('new'));
});
