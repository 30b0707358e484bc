import { access, constants, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';

import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Arrival } from '../../domain/snapshot.ts';
import { readConfig } from '../../project/config.ts';
import { dataFormat, unreadable } from '../../stores/data-files.ts';
import { addArrival } from '../../stores/datasets.ts';
import { literal, openTables } from '../../stores/tables.ts';
import { connectBucketToWrite } from '../connect.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { table } from '../output.ts';
import { withCleanup } from '../processes.ts';

/** `perdura data add`: files become arrivals of a dataset, in the order given. All are looked at before the first is written. */
export async function dataAdd(
  { output, environment, folder }: Context,
  dataset: string,
  files: readonly string[],
): Promise<number> {
  const paths = files.map((file) => resolve(folder, file));
  checkNames(paths);
  for (const path of paths) await checkFile(path);
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucketToWrite(config, { cleanup, onProgress: output.progress });
    const arrivals: Arrival[] = [];
    for (const path of paths) {
      output.progress(`Adding ${path}`);
      arrivals.push(
        await addArrival(store, dataset, { path, name: basename(path), addedAt: new Date().toISOString() }),
      );
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

async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new CodedError('NOT_FOUND', `${path} does not exist. Correct the path.`, { details: { file: path } });
  if (!found.isFile()) throw refused(path, 'is not a file. Name the files in it');
  if (found.size === 0) throw refused(path, 'is empty. Write it again');
  await access(path, constants.R_OK).catch(() => {
    throw refused(path, 'may not be read. Change its permissions');
  });
  await checkContent(path);
}

/** A damaged file is refused at the door: once it has arrived, every run on the newest data would stumble over it. */
async function checkContent(path: string): Promise<void> {
  const reader = { parquet: 'read_parquet', csv: 'read_csv', jsonl: 'read_json' }[dataFormat(path)];
  const tables = await openTables();
  try {
    const rows = await tables.all(`SELECT 1 FROM ${reader}(${literal(path)}) LIMIT 1`);
    if (rows.length === 0) throw refused(path, 'holds no rows. Write it again');
  } catch (error) {
    throw isCoded(error) ? error : unreadable(path, error, path);
  } finally {
    tables.close();
  }
}

/** The object's key is the file's name: two of a name would be two versions of one object. */
function checkNames(paths: readonly string[]): void {
  const twice = paths.find((path, index) => paths.findIndex((other) => basename(other) === basename(path)) < index);
  if (twice !== undefined)
    throw usageError(
      'INPUT_INVALID',
      `Two files are named '${basename(twice)}', which is the key in the bucket. Rename one.`,
    );
}

function refused(path: string, what: string): CodedError {
  return new CodedError('DATA_UNREADABLE', `${path} ${what}.`, { details: { file: path } });
}
