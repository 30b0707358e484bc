import { lstat, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { TrainingResult } from '../training-job.ts';
import type { WorkFolder } from './work-folder.ts';

const mostBytes = 2 ** 30;
/** The program's own talk. */
const logName = 'trainer.log';

/**
 * Moves what a program left under `output/artifacts` into `folder`, and its talk beside it.
 *
 * @throws CodedError TRAINING_FAILED when it is more than 1 GiB, or something else than files and folders.
 */
export async function keepArtifacts(
  work: WorkFolder,
  log: string,
  folder: string,
): Promise<TrainingResult['artifacts']> {
  const from = join(work.output, 'artifacts');
  const paths = await filesUnder(from);
  const sizes = await Promise.all(paths.map(async (path) => (await lstat(path)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > mostBytes)
    throw refused(
      `its artifacts take ${Math.ceil(bytes / 2 ** 20)} MiB, and 1,024 MiB are kept at most. Write less there`,
    );
  const kept = paths.map((path) => {
    const name = relative(from, path).split(sep).join(posix.sep);
    return { name, path: join(folder, 'artifacts', name), from: path };
  });
  for (const { path, from: source } of kept) {
    await mkdir(dirname(path), { recursive: true });
    await rename(source, path);
  }
  const named = kept.map(({ name, path }) => ({ name, path }));
  if (log === '' || named.some(({ name }) => name === logName)) return named;
  const path = join(folder, 'artifacts', logName);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, log);
  return [...named, { name: logName, path }];
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const found = await Promise.all(
    entries
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry): Promise<readonly string[]> => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return filesUnder(path);
        if (entry.isFile()) return [path];
        throw refused(`its artifact '${entry.name}' is no regular file. Write the file itself, not a link to it`);
      }),
  );
  return found.flat();
}

function refused(reason: string): CodedError {
  return new CodedError('TRAINING_FAILED', `The trainer's result was refused: ${reason}.`);
}
