import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { CodedError } from '../../domain/errors.ts';
import { bodyFacts } from './object-body.ts';
import type { ObjectBody, ObjectStore, StoredVersion, WriteOptions } from './object-store.ts';

type Held = { readonly version: StoredVersion; readonly bytes: Uint8Array };
type Shelf = Map<string, Held[]>;

const chunkBytes = 64 * 1024;

/**
 * The object store in memory, for tests that need no server: the same contract, held to it by the same suite.
 * Object lock is accepted and means nothing here, since the port deletes nothing.
 */
export function createMemoryObjectStore(options: { readonly now?: () => Date } = {}): ObjectStore {
  const shelf: Shelf = new Map();
  const now = options.now ?? (() => new Date());
  let written = 0;
  return {
    head: async (key, choice) => find(shelf, key, choice?.s3VersionId).version,
    async read(key, choice) {
      const { version, bytes } = find(shelf, key, choice?.s3VersionId);
      return { version, bytes: bytes.slice() };
    },
    async *stream(key, choice) {
      const { bytes } = find(shelf, key, choice?.s3VersionId);
      for (let from = 0; from < bytes.byteLength; from += chunkBytes) yield bytes.slice(from, from + chunkBytes);
    },
    async write(key, body, conditions = {}) {
      const bytes = await bytesOf(key, body);
      // From here to the end nothing is awaited: the check and the write are one.
      checkConditions(shelf, key, conditions);
      const version = versionOf(key, bytes, `memory-${++written}`, now());
      shelf.set(key, [...(shelf.get(key) ?? []), { version, bytes }]);
      return version;
    },
    async *list(prefix, listOptions) {
      const keys = [...shelf.keys()].filter((key) => key.startsWith(prefix));
      for (const key of keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
        yield listOptions?.pins === undefined
          ? { ...find(shelf, key).version, s3VersionId: '' }
          : find(shelf, key).version;
    },
    versions: async (key) => (shelf.get(key) ?? []).map(({ version }) => version).toReversed(),
  };
}

function find(shelf: Shelf, key: string, s3VersionId?: string): Held {
  const held = shelf.get(key) ?? [];
  const found =
    s3VersionId === undefined ? held.at(-1) : held.find(({ version }) => version.s3VersionId === s3VersionId);
  if (found !== undefined) return found;
  const version = s3VersionId === undefined ? '' : ` version ${s3VersionId}`;
  throw new CodedError('NOT_FOUND', `No object '${key}'${version} in memory. It was never written.`, {
    details: { key },
  });
}

function checkConditions(shelf: Shelf, key: string, { ifMatch, ifAbsent }: WriteOptions): void {
  const current = shelf.get(key)?.at(-1);
  const matches = ifMatch === undefined || current?.version.etag === ifMatch;
  if (matches && (ifAbsent !== true || current === undefined)) return;
  if (current === undefined)
    throw new CodedError('NOT_FOUND', `No object '${key}' in memory to write over.`, { details: { key } });
  throw new CodedError('CONFLICT', `Another writer changed '${key}' in memory first. Read it again and decide anew.`, {
    details: { key },
  });
}

async function bytesOf(key: string, body: ObjectBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  await bodyFacts(key, body);
  return new Uint8Array(await readFile(body.file));
}

function versionOf(key: string, bytes: Uint8Array, s3VersionId: string, modified: Date): StoredVersion {
  const etag = createHash('md5').update(bytes).digest('hex');
  return { key, s3VersionId, etag, sizeBytes: bytes.byteLength, modifiedAt: modified.toISOString() };
}
