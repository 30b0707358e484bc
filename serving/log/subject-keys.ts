import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SubjectKeyDocument } from '../../stores/subject-key-documents.ts';

/** A key for the columns of one group, as this process uses it for a day. `keyId`: `<sha256 of the group>/<made-up>`. */
export type SubjectKey = { readonly keyId: string; readonly key: Uint8Array };

/** The keys that one process encrypts with. They live in its memory; the collector brings a copy to the bucket. */
export type SubjectKeys = {
  /** The key of a group, made now where there is none for today, or the group was forgotten since. */
  keyOf(endpoint: string, group: string): SubjectKey;
  /** Puts new keys where the collector finds them: before the first line that needs them. @throws the file system's error. */
  handOver(): void;
};

/** When each group of each endpoint was forgotten, by the SHA-256 of the group: the file that the collector writes for all writers of a replica. */
export type Forgotten = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const keyFolder = 'keys';
export const keysEnding = '.keys.jsonl';
export const forgottenFile = 'forgotten.json';

/** More groups a day than this get a second key: memory stays bounded. */
const mostKeys = 50_000;
const lookEveryMs = 1_000;

/** Opens the keys of one process; `now` in milliseconds. */
export function openSubjectKeys(options: {
  /** The writer's own. */
  readonly folder: string;
  readonly replicaFolder: string;
  readonly startId: string;
  readonly now?: () => number;
}): SubjectKeys {
  const { now = Date.now } = options;
  const keys = new Map<string, SubjectKey>();
  const forgotten = followForgotten(join(options.replicaFolder, forgottenFile));
  let fresh: SubjectKeyDocument[] = [];
  let files = 0;
  let day = 0;
  let lookedAt = 0;

  const refresh = (): void => {
    const time = now();
    const today = Math.floor(time / 86_400_000);
    if (today !== day || keys.size > mostKeys) keys.clear();
    day = today;
    if (time - lookedAt < lookEveryMs) return;
    lookedAt = time;
    for (const name of forgotten.news()) keys.delete(name);
  };
  return {
    keyOf(endpoint, group) {
      refresh();
      const hash = createHash('sha256').update(group).digest('hex');
      const name = `${endpoint}/${hash}`;
      const known = keys.get(name);
      if (known !== undefined) return known;
      const key = randomBytes(32);
      const keyId = `${hash}/${randomBytes(8).toString('hex')}`;
      const made = { keyId, key };
      keys.set(name, made);
      fresh.push({
        endpoint,
        keyId,
        algorithm: 'AES-256-GCM',
        key: key.toString('base64'),
        at: new Date(now()).toISOString(),
        after: forgotten.at(endpoint, hash),
      });
      return made;
    },
    handOver() {
      if (fresh.length === 0) return;
      const folder = join(options.folder, keyFolder);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, `${options.startId}-${String(files)}${keysEnding}`);
      writeFileSync(`${file}.part`, fresh.map((key) => `${JSON.stringify(key)}\n`).join(''), { mode: 0o600 });
      renameSync(`${file}.part`, file);
      files += 1;
      fresh = [];
    },
  };
}

/** Follows the file in which the collector lists the groups that were forgotten. */
function followForgotten(file: string) {
  let seen = -1;
  let known: Forgotten = {};
  return {
    /** When the group was last forgotten, as far as this process knows; null: never. */
    at: (endpoint: string, hash: string): string | null => known[endpoint]?.[hash] ?? null,
    /** Groups (`<endpoint>/<hash>`) that were forgotten since the last call. */
    news(): readonly string[] {
      const modified = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -1;
      if (modified === seen) return [];
      seen = modified;
      const before = known;
      known = modified < 0 ? {} : (JSON.parse(readFileSync(file, 'utf8')) as Forgotten);
      return Object.entries(known).flatMap(([endpoint, groups]) =>
        Object.entries(groups).flatMap(([hash, at]) =>
          before[endpoint]?.[hash] === at ? [] : [`${endpoint}/${hash}`],
        ),
      );
    },
  };
}
