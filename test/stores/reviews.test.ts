import type { OpenReview } from '../../domain/review.ts';
import { writeDocumentOnce } from '../../stores/documents.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { answerReview, openReviews } from '../../stores/reviews.ts';

const said = { label: 1, given: 'true', who: 'ada', why: 'landed at 18:40', at: '2001-04-01T09:30:00.000Z' };

function review(requestId: string, at: string): OpenReview {
  const answer = '{"late":0.52}';
  return {
    requestId,
    at,
    model: 'flights',
    modelVersion: '1',
    answer,
    confidence: 0.52,
    record: '{"origin":"SFO"}',
    features: '{}',
    keyId: null,
  };
}

async function queue(...segments: readonly (readonly OpenReview[])[]): Promise<ObjectStore> {
  const store = createMemoryObjectStore();
  for (const [place, items] of segments.entries())
    await writeDocumentOnce(store, `reviews/flights/open/one-${place}.json`, { items });
  return store;
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

test('what waits is listed oldest first, over all segments', async () => {
  const store = await queue([review('b', '2001-03-02T00:00:00.000Z')], [review('a', '2001-03-01T00:00:00.000Z')]);
  expect((await openReviews(store, 'flights')).map(({ requestId }) => requestId)).toEqual(['a', 'b']);
  expect(await openReviews(store, 'boats')).toEqual([]);
});

test('an answer leaves the queue and becomes a label, filed by when it was given', async () => {
  const store = await queue([review('a', '2001-03-01T00:00:00.000Z'), review('b', '2001-03-02T00:00:00.000Z')]);
  const answer = await answerReview(store, 'flights', 'a', said);
  expect(answer).toEqual({
    requestId: 'a',
    model: 'flights',
    modelVersion: '1',
    answer: '{"late":0.52}',
    confidence: 0.52,
    ...said,
  });
  expect((await openReviews(store, 'flights')).map(({ requestId }) => requestId)).toEqual(['b']);
  expect(await keysBelow(store, 'labels/')).toEqual([
    // printf a | sha256sum
    'labels/flights/dt=2001-04-01/hr=09/review-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb.parquet',
  ]);
});

test('of two answers at once one stays, and the other is told whose', async () => {
  const store = await queue([review('a', '2001-03-01T00:00:00.000Z')]);
  const settled = await Promise.allSettled([
    answerReview(store, 'flights', 'a', said),
    answerReview(store, 'flights', 'a', { ...said, label: 0, given: 'false', who: 'bob' }),
  ]);
  const [won] = settled.filter((result) => result.status === 'fulfilled');
  const [lost] = settled.filter((result) => result.status === 'rejected');
  expect(lost?.reason).toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining(won?.value.who ?? 'nobody'),
  });
  expect(await keysBelow(store, 'labels/')).toHaveLength(1);
});

test('the same answer again keeps the first one’s time, and writes the label that a crash left out', async () => {
  const store = await queue([review('a', '2001-03-01T00:00:00.000Z')]);
  const key = 'reviews/flights/answers/ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb.json';
  const { requestId, model, modelVersion, answer, confidence } = review('a', '');
  await writeDocumentOnce(store, key, { requestId, model, modelVersion, answer, confidence, ...said });
  const again = await answerReview(store, 'flights', 'a', { ...said, at: '2001-04-02T00:00:00.000Z' });
  expect(again.at).toBe(said.at);
  await answerReview(store, 'flights', 'a', said);
  expect(await keysBelow(store, 'labels/')).toEqual([expect.stringContaining('dt=2001-04-01/hr=09/review-')]);
});

test('a request that waits for nobody is not found', async () => {
  await expect(answerReview(await queue(), 'flights', 'a', said)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
