import type { Environment } from '../domain/run.ts';
import type { BuiltBundle } from './bundle.ts';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

/** What the code of a worker runs on, found once at its start. */
export async function findEnvironment(
  projectFolder: string,
  bundle: BuiltBundle,
): Promise<{ readonly environment: Environment; readonly lockfile: Uint8Array | null }> {
  const lockfile = await readFile(join(projectFolder, 'package-lock.json')).catch(absent);
  return {
    lockfile,
    environment: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      perdura: await ownVersion(),
      temporalSdk: versionOf(require('@temporalio/worker/package.json')),
      bundleSha256: bundle.sha256,
      lockfileSha256: lockfile === null ? null : createHash('sha256').update(lockfile).digest('hex'),
      gitCommit: await gitCommit(projectFolder),
    },
  };
}

/** A project without a lockfile is recorded as one without. */
function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** The same file whether this module runs from its source or from dist. */
async function ownVersion(): Promise<string> {
  const file = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url);
  return versionOf(JSON.parse(await readFile(file, 'utf8')));
}

function versionOf(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

/** A project outside git, or a machine without git, has no commit to record. */
async function gitCommit(folder: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: folder });
    return stdout.trim();
  } catch {
    return null;
  }
}
