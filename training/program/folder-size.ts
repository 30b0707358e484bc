import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const blockBytes = 512;

/** Bytes that a folder takes on the disk, sparse files by what they hold. What goes while it is measured counts nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(gone([]));
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return folderBytes(path);
      return (await lstat(path).catch(gone({ blocks: 0 }))).blocks * blockBytes;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Made and removed while we look, or closed to us: then there is nothing to count. */
function gone<Nothing>(nothing: Nothing): (error: unknown) => Nothing {
  return (error) => {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EACCES', 'ENOTDIR'].includes(String(error.code)))
      return nothing;
    throw error;
  };
}
