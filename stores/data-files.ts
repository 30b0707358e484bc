import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Column, DataFormat, ObjectPin, SnapshotFacts, TextDialect } from '../domain/snapshot.ts';
import { tryingAgain } from './data-files/arriving-object.ts';
import { firstPlace, type TextFile } from './data-files/dialect.ts';
import { compressionOf } from './data-files/format.ts';
import { type Partition, partitionSql, partitionsOf } from './data-files/partitions.ts';
import { firstFault } from './data-files/raw-lines.ts';
import { textSelect } from './data-files/text-select.ts';
import { unreadable } from './data-files/unreadable.ts';
import { requireWhole } from './data-files/whole-stream.ts';
import { sha256File, sha256Hex } from './digest.ts';
import { writeWholeFile } from './local-files.ts';
import { createObjectCache } from './object-cache.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { identifier, literal, openTables, pathLiteral, type Tables } from './tables.ts';

/** Where data comes from and where local copies of it lie; the folder may be deleted at any time between two calls. */
export type DataFolder = { readonly store: ObjectStore; readonly cacheFolder: string };

/** A data object whose bytes are pinned. */
export type DataFile = ObjectPin & { readonly format: DataFormat };

/** What a file's rows also depend on; a snapshot is one. `columns` say which partition values are text because other files' are. */
export type Reading = Pick<SnapshotFacts, 'dialect' | 'columns'>;

/** A file on this machine to be read under a name: its ending tells format and compression, its folders the partitions. */
export type NamedFile = { readonly key: string; readonly path: string; readonly format: DataFormat };

/** Goes up when the same bytes would be turned into other Parquet. */
const conversion = 4;

/**
 * The local path of a data object as Parquet. Text is turned into Parquet once, row by row in its order, so that everything behind it reads
 * one format and row numbers mean the same everywhere; so is Parquet below Hive partitions, whose values become columns.
 *
 * @throws CodedError DATA_UNREADABLE when the file is empty, cut short, or not what its name says, with the place; EVIDENCE_ALTERED, NOT_FOUND,
 * SERVICE_UNAVAILABLE (after three tries), DISK_FULL as the object cache does.
 */
export async function localParquet(
  folder: DataFolder & { readonly tables?: Tables },
  file: DataFile,
  reading: Reading,
): Promise<string> {
  if (file.sizeBytes === 0) throw unreadable(file.key, 'the file is empty (0 bytes)');
  const path = await localObject(folder, file);
  const partitions = partitionsOf(file.key);
  if (file.format === 'parquet' && partitions.length === 0) return path;
  const how = {
    conversion,
    format: file.format,
    compression: compressionOf(file.key),
    dialect: file.format === 'parquet' || file.format === 'jsonl' ? null : reading.dialect,
    partitions: partitionSql(partitions, reading.columns),
  };
  const target = join(
    folder.cacheFolder,
    'parquet',
    `${file.sha256}-${sha256Hex(canonicalJson(how)).slice(0, 16)}.parquet`,
  );
  if (await isWhole(target)) return target;
  await toParquet({ key: file.key, path, format: file.format }, reading, target, folder.tables);
  await writeWholeFile(digestPath(target), [new TextEncoder().encode(await sha256File(target))]);
  return target;
}

/** The local copy of an object's own bytes. Throws as `localParquet` does. */
export async function localObject(folder: DataFolder, pin: ObjectPin): Promise<string> {
  return tryingAgain(() => createObjectCache(folder.store, folder.cacheFolder).localFile(pin));
}

/**
 * Turns a local data file into Parquet at `target`, whole or not at all. Opening DuckDB takes as long as reading a small file: who has many
 * gives one that is open.
 *
 * @throws CodedError DATA_UNREADABLE with the place; DISK_FULL.
 */
export async function toParquet(file: NamedFile, reading: Reading, target: string, shared?: Tables): Promise<void> {
  const partial = `${target}.${randomUUID()}`;
  await mkdir(join(target, '..'), { recursive: true });
  const tables = shared ?? (await openTables({ temporaryFolder: join(target, '..') }));
  try {
    const select = await selectOf(tables, file, reading);
    await writeParquet(tables, `COPY (${select}) TO ${literal(partial)} (FORMAT parquet, COMPRESSION zstd)`);
    await rename(partial, target);
  } catch (error) {
    throw unreadable(file.key, await explained(tables, { file, dialect: reading.dialect }, error), file.path);
  } finally {
    if (shared === undefined) tables.close();
    await rm(partial, { force: true });
  }
}

/** Of text with thousands of columns each thread holds buffers of all of them: where two threads find no room, one does. */
async function writeParquet(tables: Tables, copy: string): Promise<void> {
  try {
    await tables.all(copy);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('Out of Memory')) throw error;
    const [before] = await tables.all(`SELECT current_setting('threads') AS threads`);
    await tables.all('SET threads = 1');
    try {
      await tables.all(copy);
    } finally {
      await tables.all(`SET threads = ${Number(before?.['threads'])}`);
    }
  }
}

async function selectOf(tables: Tables, file: NamedFile, { dialect, columns }: Reading): Promise<string> {
  const rows =
    file.format === 'parquet'
      ? `SELECT * FROM read_parquet(${pathLiteral(file.path)})`
      : await textRows(tables, { ...file, compression: compressionOf(file.key), dialect });
  const partitions = partitionsOf(file.key);
  return partitions.length === 0 ? rows : withPartitions(tables, rows, { partitions, columns });
}

async function textRows(tables: Tables, file: TextFile): Promise<string> {
  await requireWhole(file.path, file.compression);
  return textSelect(tables, file);
}

/** The place in a text file where DuckDB gave up; the error itself where it is no other than that. */
async function explained(
  tables: Tables,
  { file, dialect }: { readonly file: NamedFile; readonly dialect: TextDialect | null },
  error: unknown,
): Promise<unknown> {
  const text = error instanceof Error ? error.message : '';
  if (file.format === 'parquet' || !/^[\w ]+ Error: /.test(text) || /^Out of Memory|no space left/i.test(text))
    return error;
  // What fails in looking for the place says no more than what failed first.
  const fault = await firstFault(tables, { ...file, compression: compressionOf(file.key), dialect }).catch(() => null);
  return fault === null ? error : new Error(fault, { cause: error });
}

/** A folder's value stands for a column of the same name in the file, as in DuckDB and Spark. */
async function withPartitions(
  tables: Tables,
  rows: string,
  { partitions, columns }: { readonly partitions: readonly Partition[]; readonly columns: readonly Column[] },
): Promise<string> {
  const found = await tables.all(`DESCRIBE ${rows}`);
  const names = partitions.map(({ name }) => name);
  const covered = found.map((row) => String(row['column_name'])).filter((name) => firstPlace(names, name) !== -1);
  const exclude = covered.length === 0 ? '' : ` EXCLUDE (${covered.map(identifier).join(', ')})`;
  return `SELECT *${exclude}, ${partitionSql(partitions, columns).join(', ')} FROM (${rows})`;
}

/** What was turned once is held against its digest: a file that was changed or cut short since would be read without a word. */
async function isWhole(target: string): Promise<boolean> {
  const digest = await readFile(digestPath(target), 'utf8').catch(() => null);
  return digest !== null && digest === (await sha256File(target).catch(() => ''));
}

function digestPath(target: string): string {
  return `${target}.sha256`;
}
