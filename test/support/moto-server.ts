import { execFile } from 'node:child_process';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const version = '5.2.5';
const installAtMostMs = 180_000;
const run = promisify(execFile);

/**
 * The program moto_server, an S3 server of another project that knows lifecycle rules: from the cache folder, else installed there from PyPI
 * with the Python of the PATH; else why there is none.
 */
export async function motoProgram(
  cacheFolder: string,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = join(cacheFolder, 'moto', version);
  const path = join(folder, 'bin', 'moto_server');
  if (await exists(path)) return { path };
  try {
    // Made where it will lie, because a virtual environment knows its own path; half of one is taken away.
    await run('python3', ['-m', 'venv', folder], { timeout: installAtMostMs });
    const pip = ['-m', 'pip', 'install', '--quiet', `moto[server,s3]==${version}`];
    await run(join(folder, 'bin', 'python'), pip, { timeout: installAtMostMs });
    return { path };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return { missing: `moto ${version} cannot be installed: ${(error as Error).message.split('\n')[0] ?? ''}` };
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
