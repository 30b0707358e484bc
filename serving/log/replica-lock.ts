import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { CodedError } from '../../domain/errors.ts';

/** Held while a process writes the log of a replica; the system lets go of it whatever way the process ends. */
export type ReplicaLock = { release(): void };

/**
 * Makes sure that one process at a time owns a log folder: a second one would take the open segments of the first for left behind, upload
 * them half and delete them. The lock is DuckDB's own on its database file: Node offers none that a kill -9 releases.
 *
 * @throws CodedError CONFLICT naming the process that holds it; DISK_FULL where the folder cannot be written.
 */
export async function lockReplica(folder: string): Promise<ReplicaLock> {
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw unwritable(folder, error);
  });
  const file = join(folder, 'lock.duckdb');
  const instance = await open(folder, file).catch(async (error: unknown) => {
    if (error instanceof CodedError) throw error;
    // Killed while it made the file: nobody holds it and it holds nothing.
    await rm(file, { force: true });
    return open(folder, file).catch((again: unknown) => {
      throw again instanceof CodedError ? again : unwritable(folder, again as Error);
    });
  });
  return { release: () => instance.closeSync() };
}

function unwritable(folder: string, cause: Error): CodedError {
  return new CodedError(
    'DISK_FULL',
    `Log folder ${folder} cannot be written (${cause.message}), and nothing is answered without a log. Free space there, or set PERDURA_HOME to a larger disk.`,
    { cause },
  );
}

async function open(folder: string, file: string): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(file, { threads: '1', memory_limit: '32MiB' });
  } catch (error) {
    const message = (error as Error).message;
    if (!message.includes('Could not set lock')) throw error;
    const [, pid] = /PID (\d+)/.exec(message) ?? [];
    throw new CodedError(
      'CONFLICT',
      `Log folder ${folder} belongs to another model server${pid === undefined ? '' : ` (process ${pid})`}. Stop that one, or start this one as another replica.`,
      { cause: error },
    );
  }
}
