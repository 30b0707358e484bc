import { CodedError } from '../../domain/errors.ts';
import type { SnapshotFile } from '../../domain/snapshot.ts';
import { pinObject } from '../../stores/data-files/arriving-object.ts';
import { dataFormat } from '../../stores/data-files/format.ts';
import { unreadable } from '../../stores/data-files/unreadable.ts';
import { type DataFile, localObject, localParquet, type Reading } from '../../stores/data-files.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { relationSql } from '../../stores/slices.ts';
import type { LocalFile } from '../../stores/snapshots/describe-files.ts';
import { pathLiteral, type Tables } from '../../stores/tables.ts';
import type { ChosenObject } from './chosen-objects.ts';
import type { DataDependencies } from './dependencies.ts';
import { beating, rowsText } from './work-area.ts';

type Folder = Pick<DataDependencies, 'store' | 'cacheFolder' | 'heartbeat'>;

/** A file of the new snapshot that was read, and where it lies as Parquet. */
export type ReadFile = { readonly file: SnapshotFile; readonly local: LocalFile };

const parallelFetches = 8;

/**
 * Fetches objects, pins their bytes and reads every value once, so that a page that is damaged inside is found here and not in the middle
 * of training.
 *
 * @throws CodedError DATA_UNREADABLE naming the file and the place; SERVICE_UNAVAILABLE, EVIDENCE_ALTERED, NOT_FOUND, DISK_FULL.
 */
export async function readNewFiles(
  deps: Folder,
  tables: Tables,
  work: { readonly objects: readonly ChosenObject[]; readonly reading: Reading },
): Promise<readonly ReadFile[]> {
  for (const { key, sizeBytes } of work.objects) {
    dataFormat(key);
    if (sizeBytes === 0) throw unreadable(key, 'the file is empty (0 bytes)');
  }
  const pinned = await mapParallel(work.objects, parallelFetches, (object) => fetched(deps, object));
  const files: ReadFile[] = [];
  for (const file of pinned) files.push(await readFile(deps, tables, { file, reading: work.reading }));
  return files;
}

/** Files whose rows are known already, as Parquet on this machine. */
export async function localFiles(
  deps: Folder,
  files: AsyncIterable<SnapshotFile> | Iterable<SnapshotFile>,
  reading: Reading,
): Promise<readonly LocalFile[]> {
  const locals: LocalFile[] = [];
  for await (const file of files) {
    const path = await beating(deps.heartbeat, `fetching ${file.key}`, () => localParquet(deps, file, reading));
    locals.push({ key: file.key, path });
  }
  return locals;
}

async function fetched(deps: Folder, object: ChosenObject): Promise<DataFile> {
  const { key, s3VersionId, sizeBytes, sha256 } = object;
  return beating(deps.heartbeat, `fetching ${key}`, async () => {
    const version = { key, s3VersionId, sizeBytes };
    const pin = sha256 === null ? await pinObject(deps, version) : { ...version, sha256 };
    if (sha256 !== null) await localObject(deps, pin);
    return { ...pin, format: dataFormat(key) };
  });
}

async function readFile(
  deps: Folder,
  tables: Tables,
  { file, reading }: { readonly file: DataFile; readonly reading: Reading },
): Promise<ReadFile> {
  const local = await beating(deps.heartbeat, `reading ${file.key}`, async () => {
    const path = await localParquet({ ...deps, tables }, file, reading);
    return { key: file.key, path, rows: await readWhole(tables, { key: file.key, path }) };
  });
  deps.heartbeat(`read ${rowsText(local.rows)} of ${file.key}`);
  return { file: { ...file, rows: local.rows }, local };
}

/** Every value is decoded; text that was turned into Parquet here was decoded then. */
async function readWhole(tables: Tables, file: LocalFile): Promise<number> {
  try {
    const [row] = await tables.all(`SELECT num_rows AS n FROM parquet_file_metadata(${pathLiteral(file.path)})`);
    await tables.all(`SELECT bit_xor(hash(*COLUMNS(*))) FROM ${relationSql([file.path])}`);
    const rows = Number(row?.['n']);
    if (Number.isSafeInteger(rows)) return rows;
    throw new CodedError('DATA_UNREADABLE', `${file.key} does not say how many rows it has. Write the file again.`);
  } catch (error) {
    throw unreadable(file.key, error, file.path);
  }
}
