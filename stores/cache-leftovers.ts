import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from './local-files.ts';

/** A file that was not renamed to its name yet: `writeWholeFile` and the converter of text give it a random part. */
const unfinished = /\.(\d+-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.part)?$/;

/** What counts as left: nobody has touched it for so long. */
export type SweepOptions = { readonly untouchedMs: number; readonly now: number };

/**
 * Removes what killed processes left in a cache folder: files that were never finished, and scratch folders below `work`. Only what has not
 * been touched for so long, because other processes may be at work there. Whole files stay: they are what the cache is for.
 *
 * @returns how many files and folders went.
 */
export async function sweepLeftovers(cacheFolder: string, options: SweepOptions): Promise<number> {
  const entries = await readdir(cacheFolder, { recursive: true, withFileTypes: true }).catch(noneWhereGone);
  const work = join(cacheFolder, 'work');
  const files = entries.filter((entry) => !entry.isDirectory() && unfinished.test(entry.name));
  const folders = entries.filter((entry) => entry.isDirectory() && entry.parentPath === work);
  return removeUntouched([...files, ...folders], options);
}

/**
 * Removes the scratch folders that killed trainings left in a work folder: data, checkpoints and packages of gigabytes.
 *
 * @returns how many went.
 */
export async function sweepScratch(workFolder: string, options: SweepOptions): Promise<number> {
  const entries = await readdir(workFolder, { withFileTypes: true }).catch(noneWhereGone);
  return removeUntouched(
    entries.filter((entry) => entry.isDirectory()),
    options,
  );
}

async function removeUntouched(entries: readonly Dirent[], { untouchedMs, now }: SweepOptions): Promise<number> {
  let removed = 0;
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(nullWhereGone);
    if (found === null || now - found.mtimeMs < untouchedMs) continue;
    await removeFolder(path);
    removed += 1;
  }
  return removed;
}

/** Another process may clean up its own at the same time; a cache that may not be read is told. */
function nullWhereGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function noneWhereGone(error: NodeJS.ErrnoException): readonly never[] {
  return nullWhereGone(error) ?? [];
}
