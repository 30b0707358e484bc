import { setTimeout as wait } from 'node:timers/promises';

import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import type { ObjectStore, StoredVersion } from './objects/object-store.ts';

/** A JSON object in the bucket and the version that was read or written. */
export type StoredDocument<Value> = { readonly value: Value; readonly version: StoredVersion };

const contentType = 'application/json';
/** Every round of a race has one winner, so that this many writers at once all get through. */
const mostTries = 40;

/**
 * Reads a JSON document; null where there is none. The type is the writer's promise: only Perdura writes these keys.
 *
 * @throws CodedError DATA_UNREADABLE when it is not JSON.
 */
export async function readDocument<T>(store: ObjectStore, key: string): Promise<StoredDocument<T> | null> {
  try {
    const { version, bytes } = await store.read(key);
    return { value: parseDocument<T>(key, bytes), version };
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

/**
 * Changes a document by compare-and-set: reads it, applies `change`, writes it only over what was read, and begins anew when another
 * writer was first. `change` must be pure and must recognise its own earlier effect: after a lost answer it is applied to it.
 * A change that returns its argument writes nothing.
 *
 * @throws CodedError CONFLICT after 40 lost races; whatever `change` throws.
 */
export async function updateDocument<T>(
  store: ObjectStore,
  key: string,
  change: (current: T | null) => T,
): Promise<StoredDocument<T> & { readonly changed: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const current = await readDocument<T>(store, key);
    const value = change(current?.value ?? null);
    if (current !== null && value === current.value) return { ...current, changed: false };
    const condition = current === null ? { ifAbsent: true } : { ifMatch: current.version.etag };
    try {
      const version = await store.write(key, toBytes(value), { ...condition, contentType });
      return { value, version, changed: true };
    } catch (error) {
      const lostRace = isCoded(error, 'CONFLICT') || isCoded(error, 'NOT_FOUND');
      if (!lostRace || attempt >= mostTries) throw error;
      await wait(Math.min(attempt, 10));
    }
  }
}

/**
 * Writes a document that never changes. Writing an equal one again is fine, so that a step can be repeated.
 *
 * @throws CodedError CONFLICT when another value stands there.
 */
export async function writeDocumentOnce<T>(
  store: ObjectStore,
  key: string,
  value: T,
): Promise<{ readonly version: StoredVersion; readonly created: boolean }> {
  return writeBytesOnce(store, key, toBytes(value));
}

/**
 * Writes the bytes of a JSON document that never changes, for whoever has them already. Writing equal ones again is fine.
 *
 * @throws CodedError CONFLICT when other bytes stand there.
 */
export async function writeBytesOnce(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
): Promise<{ readonly version: StoredVersion; readonly created: boolean }> {
  try {
    return { version: await store.write(key, bytes, { ifAbsent: true, contentType }), created: true };
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
    const standing = await store.read(key);
    if (Buffer.compare(standing.bytes, bytes) === 0) return { version: standing.version, created: false };
    throw new CodedError('CONFLICT', `'${key}' is written once and holds another value. Nothing was written.`, {
      details: { key },
      cause: error,
    });
  }
}

/** Writes a document of which the first writer's stays, and gives what stands. Read only where something stands already: that is one request less. */
export async function keepFirstDocument<T>(store: ObjectStore, key: string, value: T): Promise<T> {
  try {
    await writeDocumentOnce(store, key, value);
    return value;
  } catch (error) {
    const first = isCoded(error, 'CONFLICT') ? await readDocument<T>(store, key) : null;
    if (first === null) throw error;
    return first.value;
  }
}

/** Parses a document's bytes. */
export function parseDocument<T>(key: string, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unreadable(key, 'not JSON', cause);
  }
  // No document is `null`, which whoever reads it would take for one that is not there, or trip over.
  if (value === null) throw unreadable(key, 'null');
  return value as T;
}

function unreadable(key: string, what: string, cause?: unknown): CodedError {
  return new CodedError(
    'DATA_UNREADABLE',
    `'${key}' is ${what}. Look at its older versions in the bucket and restore the last whole one.`,
    { details: { key }, cause },
  );
}

function toBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}
