import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CodedError } from '../domain/errors.ts';
import type { TextDialect } from '../domain/snapshot.ts';
import { toParquet } from '../stores/data-files.ts';
import { dataFormat } from '../stores/data-files/format.ts';
import { partitionsOf } from '../stores/data-files/partitions.ts';
import type { LocalFile } from '../stores/snapshots/describe-files.ts';

/** A file of this machine: `name` as the person wrote it, which tells its format and partitions. */
export type DiskFile = { readonly name: string; readonly path: string };

/**
 * Files of this machine, of any format, made ready for a scan: as Parquet they are read where they lie, text and files below Hive partitions
 * are turned into Parquet in the scratch folder, as they would be in a snapshot.
 *
 * @throws CodedError NOT_FOUND for a file that does not exist; DATA_UNREADABLE, with the place, for one that cannot be read; DISK_FULL.
 */
export async function preparedFiles(
  files: readonly DiskFile[],
  options: { readonly scratch: string; readonly dialect: TextDialect | null },
): Promise<readonly LocalFile[]> {
  const prepared: LocalFile[] = [];
  for (const file of files) {
    await requireReadable(file);
    prepared.push({ key: file.name, path: await asParquet(file, { ...options, place: prepared.length }) });
  }
  return prepared;
}

async function asParquet(
  { name, path }: DiskFile,
  options: { readonly scratch: string; readonly dialect: TextDialect | null; readonly place: number },
): Promise<string> {
  const format = dataFormat(name);
  if (format === 'parquet' && partitionsOf(name).length === 0) return path;
  const target = join(options.scratch, `${options.place}.parquet`);
  await toParquet({ key: name, path, format }, { dialect: options.dialect, columns: [] }, target);
  return target;
}

async function requireReadable({ name, path }: DiskFile): Promise<void> {
  const found = await stat(path).catch(() => null);
  const details = { file: path };
  if (found === null) throw new CodedError('NOT_FOUND', `${name} does not exist. Correct the path.`, { details });
  if (!found.isFile())
    throw new CodedError('DATA_UNREADABLE', `${name} is not a file. Name the files in it.`, { details });
  if (found.size === 0) throw new CodedError('DATA_UNREADABLE', `${name} is empty. Write it again.`, { details });
  await access(path, constants.R_OK).catch(() => {
    throw new CodedError('DATA_UNREADABLE', `${name} may not be read. Change its permissions.`, { details });
  });
}
