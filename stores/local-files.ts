import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { CodedError } from '../domain/errors.ts';

/**
 * Writes a local file whole or not at all: into a neighbour with a name of its own, which `check` may refuse by throwing, then renamed.
 * Two processes that write the same file at once both succeed, and readers only ever see a whole one.
 *
 * @throws CodedError DISK_FULL naming the file; whatever the chunks or `check` throw.
 */
export async function writeWholeFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  check: () => void = () => {},
): Promise<void> {
  const partial = `${path}.${process.pid}-${randomUUID()}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeChunks(partial, chunks);
    check();
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw orDiskFull(error, path);
  }
}

/** DISK_FULL where an error says that there is no room, else the error itself. */
export function orDiskFull(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new CodedError(
    'DISK_FULL',
    `No room on the disk for ${path}. Free some, or set PERDURA_HOME to a larger disk.`,
    {
      details: { path },
      cause: error,
    },
  );
}

/** Removes a folder with all that is in it, also where a program took the right to write in a folder of its own away. */
export async function removeFolder(folder: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 } as const;
  try {
    await rm(folder, options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await makeWritable(folder);
    await rm(folder, options);
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) await file.appendFile(chunk);
  } finally {
    await file.close();
  }
}
