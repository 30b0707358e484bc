import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { openTables, type Tables } from '../../stores/tables.ts';

/** A DuckDB instance and a scratch folder that live as long as one call. */
export type WorkArea = { readonly tables: Tables; readonly folder: string };

const beatEveryMs = 2_000;

/**
 * Runs work with a bounded DuckDB that spills into a folder of its own, and removes both whatever happens.
 *
 * @throws CodedError DISK_FULL when there is no room for the folder's files; whatever the work throws.
 */
export async function inWorkArea<T>(cacheFolder: string, work: (area: WorkArea) => Promise<T>): Promise<T> {
  const parent = join(cacheFolder, 'work');
  try {
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, 'data-'));
    try {
      return await withTables(folder, work);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw orDiskFull(error, parent);
  }
}

async function withTables<T>(folder: string, work: (area: WorkArea) => Promise<T>): Promise<T> {
  const tables = await openTables({ temporaryFolder: join(folder, 'spill') });
  try {
    return await work({ tables, folder });
  } finally {
    tables.close();
  }
}

/** DuckDB has no error codes: a full disk is known by its words, which are the operating system's. */
function orDiskFull(error: unknown, folder: string): unknown {
  if (isCoded(error) || !(error instanceof Error) || !/no space left/i.test(error.message)) return error;
  return new CodedError(
    'DISK_FULL',
    `There is no room for scratch files in ${folder}. Free some, or set PERDURA_HOME to a larger disk.`,
    { details: { folder }, cause: error },
  );
}

/** Says `note` at once and again every two seconds until the work ends: a scan is one statement and gives no word itself. */
export async function beating<T>(heartbeat: (note: string) => void, note: string, work: () => Promise<T>): Promise<T> {
  heartbeat(note);
  const timer = setInterval(() => heartbeat(note), beatEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** A count for a person: `508,239 rows`. */
export function rowsText(rows: number): string {
  return `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`;
}
