import { isCoded } from '../domain/errors.ts';
import { sha256Hex } from './digest.ts';
import { readDocument, writeDocumentOnce } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';

/** A key of `subject-keys/<endpoint>/<sha256 of the group>/<made-up>.json`: who can read it can read the group's columns of that process and day. */
export type SubjectKeyDocument = {
  readonly endpoint: string;
  /** `<sha256 of the group>/<made-up>`, as rows of the log name it. */
  readonly keyId: string;
  readonly algorithm: 'AES-256-GCM';
  /** 32 bytes, base64. */
  readonly key: string;
  readonly at: string;
  /** `at` of the group's tombstone that its maker knew; null: none. A key that does not know the newest one, and is not clearly younger, is never written. */
  readonly after: string | null;
};

/** Says that a group was forgotten: `subject-keys/<endpoint>/forgotten/<sha256 of the group>.json`. Model servers then take new keys for it. */
export type SubjectTombstone = {
  readonly group: string;
  readonly at: string;
  readonly who: string;
  readonly why: string;
};

/** What the keys of one group begin with. `group` is its value as text: a column's, or the subject. */
export function subjectKeyPrefix(endpoint: string, group: string): string {
  return `subject-keys/${endpoint}/${sha256Hex(group)}/`;
}

/** What the tombstones of an endpoint begin with. */
export function tombstonePrefix(endpoint: string): string {
  return `subject-keys/${endpoint}/forgotten/`;
}

/** Where a group's tombstone stands; a group that is forgotten again gets a new one over it. Write it before its keys are deleted. */
export function tombstoneKey(endpoint: string, group: string): string {
  return `${tombstonePrefix(endpoint)}${sha256Hex(group)}.json`;
}

/** Brings a key to the bucket; an equal one may stand there. @throws CodedError CONFLICT when another does. */
export async function writeSubjectKey(store: ObjectStore, key: SubjectKeyDocument): Promise<void> {
  await writeDocumentOnce(store, keyPath(key.endpoint, key.keyId), key);
}

/** The 32 bytes of a key; null where it was deleted. */
export async function readSubjectKey(store: ObjectStore, endpoint: string, keyId: string): Promise<Uint8Array | null> {
  const found = await readDocument<SubjectKeyDocument>(store, keyPath(endpoint, keyId));
  return found === null ? null : Buffer.from(found.value.key, 'base64');
}

/** When each forgotten group of an endpoint was forgotten, by the SHA-256 of the group. */
export async function readTombstones(store: ObjectStore, endpoint: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for await (const { key } of store.list(tombstonePrefix(endpoint))) {
    const tombstone = await readDocument<SubjectTombstone>(store, key).catch((error: unknown) => {
      if (isCoded(error, 'DATA_UNREADABLE')) return null;
      throw error;
    });
    if (tombstone !== null) found[key.slice(tombstonePrefix(endpoint).length, -'.json'.length)] = tombstone.value.at;
  }
  return found;
}

const keyPath = (endpoint: string, keyId: string): string => `subject-keys/${endpoint}/${keyId}.json`;
