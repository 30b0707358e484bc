import { CodedError, isCoded } from '../domain/errors.ts';
import type { OpenReview, OpenReviews, ReviewAnswer } from '../domain/review.ts';
import { sha256Hex } from './digest.ts';
import { readDocument, writeDocumentOnce } from './documents.ts';
import { createSubjectKeyring } from './inference-rows.ts';
import { writeLabels } from './label-files.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const parallelReads = 16;

/**
 * The answers of an endpoint that wait for a person, oldest first, with encrypted columns opened where their key is there. It reads the whole queue:
 * every document of it, however much of it is answered.
 */
export async function openReviews(store: ObjectStore, endpoint: string): Promise<readonly OpenReview[]> {
  const answered = new Set<string>();
  for await (const { key } of store.list(answersPrefix(endpoint))) answered.add(key);
  const items = new Map<string, OpenReview>();
  for (const item of await queued(store, endpoint)) {
    if (!answered.has(answerKey(endpoint, item.requestId))) items.set(item.requestId, item);
  }
  const keyring = createSubjectKeyring(store, endpoint);
  const opened = await mapParallel([...items.values()], parallelReads, (item) => keyring.open(item));
  return opened.toSorted((a, b) => a.at.localeCompare(b.at) || a.requestId.localeCompare(b.requestId));
}

/**
 * One answer that waits, or waited, for a person.
 *
 * @throws CodedError NOT_FOUND.
 */
export async function findReview(store: ObjectStore, endpoint: string, requestId: string): Promise<OpenReview> {
  const found = (await queued(store, endpoint)).find((item) => item.requestId === requestId);
  if (found !== undefined) return found;
  throw new CodedError(
    'NOT_FOUND',
    `Request '${requestId}' of endpoint '${endpoint}' waits for no review. List those that do with 'perdura review list ${endpoint}'.`,
    { details: { endpoint, requestId } },
  );
}

/**
 * Records what a person says of a request; the answer becomes its label. The first answer stays: a label could otherwise change under a
 * verdict that it was counted in. Saying the same again is fine, and writes a label that a crash left out.
 *
 * @throws CodedError NOT_FOUND; CONFLICT naming who answered otherwise before.
 */
export async function answerReview(
  store: ObjectStore,
  endpoint: string,
  requestId: string,
  said: Pick<ReviewAnswer, 'label' | 'given' | 'who' | 'why' | 'at'>,
): Promise<ReviewAnswer> {
  const { model, modelVersion, answer, confidence } = await findReview(store, endpoint, requestId);
  const stands = await keepAnswer(store, endpoint, { requestId, model, modelVersion, answer, confidence, ...said });
  const { label, at } = stands;
  const name = `review-${sha256Hex(requestId)}`;
  await writeLabels(store, endpoint, [{ requestId, label, at }], { name, arrivedAt: at });
  return stands;
}

async function keepAnswer(store: ObjectStore, endpoint: string, answer: ReviewAnswer): Promise<ReviewAnswer> {
  const key = answerKey(endpoint, answer.requestId);
  try {
    await writeDocumentOnce(store, key, answer);
    return answer;
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
    const first = (await readDocument<ReviewAnswer>(store, key))?.value;
    if (first === undefined) throw error;
    if (first.label === answer.label && first.who === answer.who) return first;
    throw new CodedError(
      'CONFLICT',
      `Request '${answer.requestId}' was answered '${first.given}' by ${first.who} at ${first.at} (${first.why}). That stays; correct the label with 'perdura labels add' if it is wrong.`,
      { details: { key, who: first.who, given: first.given, at: first.at }, cause: error },
    );
  }
}

async function queued(store: ObjectStore, endpoint: string): Promise<readonly OpenReview[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(`reviews/${endpoint}/open/`)) keys.push(key);
  const documents = await mapParallel(keys, parallelReads, (key) => readDocument<OpenReviews>(store, key));
  return documents.flatMap((document) => document?.value.items ?? []);
}

const answersPrefix = (endpoint: string): string => `reviews/${endpoint}/answers/`;
const answerKey = (endpoint: string, requestId: string): string =>
  `${answersPrefix(endpoint)}${sha256Hex(requestId)}.json`;
