import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWholeFile } from '../../stores/local-files.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { readTombstones, type SubjectKeyDocument, writeSubjectKey } from '../../stores/subject-key-documents.ts';
import type { FoundKeys } from './replica-folder.ts';
import { type Forgotten, forgottenFile } from './subject-keys.ts';

/** Brings new keys of subjects' groups to the bucket, and tells the writers which groups were forgotten. */
export type KeyCourier = {
  /** Brings the keys of these files, then removes the files. */
  bring(files: readonly FoundKeys[]): Promise<void>;
  /** Asks for tombstones where it is time, and writes them down for the writers. */
  refresh(): Promise<void>;
};

const parallelFiles = 8;
const askEveryMs = 10_000;
/** What the clocks of a model server and of who forgets may differ by. */
const clocksDifferByMs = 5 * 60_000;

/**
 * Makes the courier of one replica's folder. Before it writes a key it asks for the tombstones of its endpoint: a key of a group that was forgotten
 * before it came to the bucket is dropped, as if it had been deleted there. A key that was clearly made later is not: a server that is new to the
 * endpoint did not know of the tombstone, and the group came back.
 */
export function createKeyCourier(store: ObjectStore, replicaFolder: string): KeyCourier {
  const endpoints = new Map<string, number>();
  let forgotten: Forgotten = {};

  const ask = async (endpoint: string): Promise<Readonly<Record<string, string>>> => {
    const tombstones = await readTombstones(store, endpoint);
    endpoints.set(endpoint, performance.now());
    if (JSON.stringify(tombstones) === JSON.stringify(forgotten[endpoint] ?? {})) return tombstones;
    forgotten = { ...forgotten, [endpoint]: tombstones };
    await writeWholeFile(join(replicaFolder, forgottenFile), [Buffer.from(JSON.stringify(forgotten))]);
    return tombstones;
  };
  const write = async (key: SubjectKeyDocument, tombstones: Readonly<Record<string, string>>): Promise<void> => {
    const [group = ''] = key.keyId.split('/');
    const forgottenAt = tombstones[group] ?? null;
    if (forgottenAt === key.after || isYounger(key, forgottenAt)) await writeSubjectKey(store, key);
  };
  return {
    async bring(files) {
      const keys = (await mapParallel(files, parallelFiles, ({ file }) => keysOf(file))).flat();
      for (const endpoint of new Set(keys.map((key) => key.endpoint))) {
        const tombstones = await ask(endpoint);
        const own = keys.filter((key) => key.endpoint === endpoint);
        await mapParallel(own, parallelFiles, (key) => write(key, tombstones));
      }
      for (const { file } of files) await rm(file);
    },
    async refresh() {
      for (const [endpoint, askedAt] of endpoints) if (performance.now() - askedAt > askEveryMs) await ask(endpoint);
    },
  };
}

function isYounger({ at }: SubjectKeyDocument, forgottenAt: string | null): boolean {
  return forgottenAt !== null && Date.parse(at) > Date.parse(forgottenAt) + clocksDifferByMs;
}

async function keysOf(file: string): Promise<readonly SubjectKeyDocument[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as SubjectKeyDocument);
}
