import { randomUUID } from 'node:crypto';

import { isCoded } from '../../domain/errors.ts';
import type { ObjectStore, WriteOptions } from './object-store.ts';

const provenKey = 'probes/conditional-writes';
/** The MD5 of nothing that was ever written. */
const unknownEtag = '00000000000000000000000000000000';
const racers = 6;
const rounds = 16;

/**
 * Whether a store keeps its conditions; tried, because no setting tells. A write over another version and a write where something stands
 * must be refused, and of several writers at once only one may win: there are stores that check first and write later, without a lock.
 * Alone, each of their conditions holds; in a race two writers win, and a version that was answered for is lost.
 *
 * The race is run once in the life of a bucket, on an object of its own below `probes/`. `probes/conditional-writes` then stands for its
 * success, and every later call is two refused writes. A careless store can be lucky in all rounds; that is unlikely, not impossible.
 */
export async function hasConditionalWrites(store: ObjectStore): Promise<boolean> {
  if (!(await isProven(store))) {
    if (!(await survivesRaces(store))) return false;
    await wins(store, provenKey, { ifAbsent: true });
  }
  return (
    !(await wins(store, provenKey, { ifMatch: unknownEtag })) && !(await wins(store, provenKey, { ifAbsent: true }))
  );
}

async function isProven(store: ObjectStore): Promise<boolean> {
  try {
    await store.head(provenKey);
    return true;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

async function survivesRaces(store: ObjectStore): Promise<boolean> {
  const key = `probes/race-${randomUUID()}`;
  if ((await winners(store, key, { ifAbsent: true })) !== 1) return false;
  for (let round = 1; round < rounds; round++) {
    const { etag } = await store.head(key);
    if ((await winners(store, key, { ifMatch: etag })) !== 1) return false;
  }
  return true;
}

async function winners(store: ObjectStore, key: string, condition: WriteOptions): Promise<number> {
  const won = await Promise.all(Array.from({ length: racers }, () => wins(store, key, condition)));
  return won.filter(Boolean).length;
}

/** Every write has its own bytes, so that no etag comes back. */
async function wins(store: ObjectStore, key: string, condition: WriteOptions): Promise<boolean> {
  try {
    const text = `Perdura tries here whether conditional writes hold. ${randomUUID()}\n`;
    await store.write(key, new TextEncoder().encode(text), condition);
    return true;
  } catch (error) {
    if (isCoded(error, 'CONFLICT') || isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}
