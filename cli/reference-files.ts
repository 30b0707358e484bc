import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { TextDialect } from '../domain/snapshot.ts';
import type { LocalFile } from '../stores/snapshots/describe-files.ts';
import { preparedFiles } from './local-data.ts';

/** Files that stand for snapshots where there is no bucket. */
export type ReferenceFiles = {
  /** Those given under the name, else those given without one; null where there are none. */
  filesOf(name: string): readonly LocalFile[] | null;
  /** Those given under the name alone. */
  named(name: string): readonly LocalFile[] | null;
};

const named = /^([^/\\=]+@[^/\\=]+)=(.+)$/;

/**
 * Reads what a command line gives as references: `old.parquet` stands for the snapshot before and for any other; `airports@latest=airports.csv`
 * for the named one, several files of a name for one snapshot.
 */
export async function readReferences(
  words: readonly string[],
  reading: { readonly folder: string; readonly scratch: string; readonly dialect: TextDialect | null },
): Promise<ReferenceFiles> {
  const files = new Map<string | null, LocalFile[]>();
  for (const [place, word] of words.entries()) {
    const [name, file] = await nameAndFile(word, reading.folder);
    const scratch = `${reading.scratch}/reference-${place}`;
    const prepared = await preparedFiles([{ name: file, path: resolve(reading.folder, file) }], {
      ...reading,
      scratch,
    });
    files.set(name, [...(files.get(name) ?? []), ...prepared]);
  }
  const ofName = (name: string) => files.get(name) ?? null;
  return { filesOf: (name) => ofName(name) ?? files.get(null) ?? null, named: ofName };
}

/** A file that has such a name itself is that file. */
async function nameAndFile(word: string, folder: string): Promise<readonly [string | null, string]> {
  const [, name, file] = named.exec(word) ?? [];
  if (name === undefined || file === undefined || (await stat(resolve(folder, word)).catch(() => null)) !== null)
    return [null, word];
  return [name, file];
}
