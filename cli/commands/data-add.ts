import { access, constants, readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';

import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Arrival, DataFormat } from '../../domain/snapshot.ts';
import { readConfig } from '../../project/config.ts';
import { compressionOf, dataFormat } from '../../stores/data-files/format.ts';
import { unreadable } from '../../stores/data-files/unreadable.ts';
import { requireWhole } from '../../stores/data-files/whole-stream.ts';
import { addArrival } from '../../stores/datasets.ts';
import { literal, openTables, pathLiteral, type TableRow, type Tables } from '../../stores/tables.ts';
import { connectBucketToWrite } from '../connect.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { table } from '../output.ts';
import { withCleanup } from '../processes.ts';

/** A file to add and the end of its key. */
type Named = { readonly path: string; readonly name: string };

/**
 * `perdura data add`: files become arrivals of a dataset, in the order given; of a folder all files below it, with their folders in the key, so
 * that `year=2001/month=01` stay partitions. All are looked at before the first is written.
 */
export async function dataAdd(
  { output, environment, folder }: Context,
  dataset: string,
  files: readonly string[],
): Promise<number> {
  const named = (await Promise.all(files.map((file) => filesAt(resolve(folder, file))))).flat();
  checkNames(named);
  for (const { path } of named) await checkFile(path);
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucketToWrite(config, { cleanup, onProgress: output.progress });
    const arrivals: Arrival[] = [];
    for (const { path, name } of named) {
      output.progress(`Adding ${path}`);
      arrivals.push(await addArrival(store, dataset, { path, name, addedAt: new Date().toISOString() }));
    }
    output.answer({ dataset, arrivals }, () =>
      table(
        ['KEY', 'S3 VERSION', 'BYTES', 'SHA-256'],
        arrivals.map((arrival) => [
          arrival.key,
          arrival.s3VersionId,
          String(arrival.sizeBytes),
          arrival.sha256.slice(0, 16),
        ]),
      ),
    );
    return 0;
  });
}

/** A file by itself, or the files below a folder; names that begin with `_` or `.` are other tools' marks. */
async function filesAt(path: string): Promise<readonly Named[]> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new CodedError('NOT_FOUND', `${path} does not exist. Correct the path.`, { details: { file: path } });
  if (!found.isDirectory()) return [{ path, name: basename(path) }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && !/^[_.]/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => ({ path: file, name: relative(path, file).split(sep).join('/') }));
  if (files.length === 0) throw refused(path, 'is a folder without data files. Name another');
  return files;
}

async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new CodedError('NOT_FOUND', `${path} does not exist. Correct the path.`, { details: { file: path } });
  if (!found.isFile()) throw refused(path, 'is not a file. Name a file or a folder');
  if (found.size === 0) throw refused(path, 'is empty. Write it again');
  await access(path, constants.R_OK).catch(() => {
    throw refused(path, 'may not be read. Change its permissions');
  });
  await checkContent(path);
}

/** A damaged file is refused at the door: once it has arrived, every run on the newest data would stumble over it. */
async function checkContent(path: string): Promise<void> {
  const format = dataFormat(path);
  const tables = await openTables();
  try {
    await requireWhole(path, compressionOf(path));
    const rows = await firstRow(tables, format, path);
    if (rows.length === 0) throw refused(path, 'holds no rows. Write it again');
  } catch (error) {
    throw isCoded(error) ? error : unreadable(path, error, path);
  } finally {
    tables.close();
  }
}

/** Any encoding will do here: which one it is, a snapshot's dialect says. */
async function firstRow(tables: Tables, format: DataFormat, path: string): Promise<readonly TableRow[]> {
  if (format === 'parquet') return tables.all(`SELECT 1 FROM read_parquet(${pathLiteral(path)}) LIMIT 1`);
  if (format === 'jsonl')
    return tables.all(`SELECT 1 FROM read_json(${pathLiteral(path)}, format = 'newline_delimited') LIMIT 1`);
  const rows = (encoding: string) =>
    tables.all(`SELECT 1 FROM read_csv(${pathLiteral(path)}, encoding = ${literal(encoding)}) LIMIT 1`);
  try {
    return await rows('utf-8');
  } catch (error) {
    const others = await Promise.all(['utf-16', 'latin-1'].map((encoding) => rows(encoding).catch(() => [])));
    const read = others.find((found) => found.length > 0);
    if (read === undefined) throw error;
    return read;
  }
}

/** A name is the end of the object's key: two of a name would be two versions of one object. */
function checkNames(named: readonly Named[]): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name))
      throw usageError('INPUT_INVALID', `Two files are named '${name}', which is the key in the bucket. Rename one.`);
    seen.add(name);
  }
}

function refused(path: string, what: string): CodedError {
  return new CodedError('DATA_UNREADABLE', `${path} ${what}.`, { details: { file: path } });
}
