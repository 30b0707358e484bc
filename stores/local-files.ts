import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

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

async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) await file.appendFile(chunk);
  } finally {
    await file.close();
  }
}
