import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, isCoded } from '../domain/errors.ts';
import type { DataFormat, ObjectPin } from '../domain/snapshot.ts';
import { createObjectCache } from './object-cache.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { literal, openTables } from './tables.ts';

/** Where data comes from and where local copies of it lie; the folder may be deleted at any time between two calls. */
export type DataFolder = { readonly store: ObjectStore; readonly cacheFolder: string };

/** A data object whose bytes are pinned. */
export type DataFile = ObjectPin & { readonly format: DataFormat };

const formats: Readonly<Record<string, DataFormat>> = {
  parquet: 'parquet',
  csv: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
};

/**
 * The format that an object's name tells.
 *
 * @throws CodedError DATA_UNREADABLE for any other ending: guessing from bytes would read some files as something they are not.
 */
export function dataFormat(key: string): DataFormat {
  const ending = key.slice(key.lastIndexOf('.') + 1).toLowerCase();
  const format = Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  if (format === undefined) {
    throw new CodedError(
      'DATA_UNREADABLE',
      `${key}: the name tells no known format. Add the data as .parquet, .csv or .jsonl.`,
      { details: { key } },
    );
  }
  return format;
}

/**
 * The local path of a data object as Parquet. CSV (comma, `"`, with a header line) and JSON lines are turned into Parquet once, row by row
 * in their order, so that everything behind it reads one format and row numbers mean the same everywhere.
 *
 * @throws CodedError DATA_UNREADABLE when the file is empty or DuckDB cannot read it as what its name says; EVIDENCE_ALTERED, NOT_FOUND,
 * SERVICE_UNAVAILABLE, DISK_FULL as the object cache does.
 */
export async function localParquet(folder: DataFolder, file: DataFile): Promise<string> {
  if (file.sizeBytes === 0) throw unreadable(file.key, 'the file is empty (0 bytes)');
  const path = await createObjectCache(folder.store, folder.cacheFolder).localFile(file);
  return file.format === 'parquet' ? path : converted(folder, { file, path });
}

/** DATA_UNREADABLE for one file, with the reason that DuckDB gave; a full disk stays DISK_FULL, a coded error stays itself. */
export function unreadable(key: string, cause: unknown, path?: string): Error {
  if (isCoded(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = (path === undefined ? text : text.replaceAll(path, key)).split('\n\n')[0]?.trim() ?? text;
  if (/no space left|ENOSPC/i.test(text)) {
    return new CodedError(
      'DISK_FULL',
      `${key} could not be prepared: ${reason}. Free space or set PERDURA_HOME to a larger disk.`,
      { details: { key }, cause },
    );
  }
  if (/^Out of Memory/i.test(text)) return cause instanceof Error ? cause : new Error(text);
  return new CodedError(
    'DATA_UNREADABLE',
    `${key} cannot be read: ${reason}. Write the file again and add it with 'perdura data add'.`,
    { details: { key, reason }, cause },
  );
}

async function converted(
  folder: DataFolder,
  source: { readonly file: DataFile; readonly path: string },
): Promise<string> {
  const target = join(folder.cacheFolder, 'parquet', `${source.file.sha256}.${source.file.format}.parquet`);
  if (await exists(target)) return target;
  await mkdir(join(folder.cacheFolder, 'parquet'), { recursive: true });
  const partial = `${target}.${randomUUID()}`;
  const tables = await openTables({ temporaryFolder: join(folder.cacheFolder, 'parquet') });
  try {
    await tables.all(
      `COPY (SELECT * FROM ${textRelation(source.file.format, source.path)}) TO ${literal(partial)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await rename(partial, target);
    return target;
  } catch (error) {
    throw unreadable(source.file.key, error, source.path);
  } finally {
    tables.close();
    await rm(partial, { force: true });
  }
}

/** `sample_size = -1`: a column's type comes from all rows, else it would depend on where in the file an odd value stands. */
function textRelation(format: DataFormat, path: string): string {
  return format === 'csv'
    ? `read_csv(${literal(path)}, delim = ',', quote = '"', escape = '"', header = true, sample_size = -1)`
    : `read_json(${literal(path)}, format = 'newline_delimited', sample_size = -1)`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
