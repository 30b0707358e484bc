import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file that was not renamed to its name yet: `writeWholeFile` and the converter of text give it a random part. */
const unfinished = /\.(\d+-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.part)?$/;

/**
 * Removes what killed processes left in a cache folder: files that were never finished, and scratch folders below `work`. Only what has not
 * been touched for so long, because other processes may be at work there. Whole files stay: they are what the cache is for.
 *
 * @returns how many files and folders went.
 */
export async function sweepLeftovers(
  cacheFolder: string,
  options: { readonly untouchedMs: number; readonly now: number },
): Promise<number> {
  const entries = await readdir(cacheFolder, { recursive: true, withFileTypes: true }).catch(noneWhereGone);
  const work = join(cacheFolder, 'work');
  const leftovers = entries.filter((entry) =>
    entry.isDirectory() ? entry.parentPath === work : unfinished.test(entry.name),
  );
  let removed = 0;
  for (const entry of leftovers) {
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(nullWhereGone);
    if (found === null || options.now - found.mtimeMs < options.untouchedMs) continue;
    await rm(path, { recursive: true, force: true });
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
