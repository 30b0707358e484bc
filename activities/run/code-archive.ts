import type { Environment } from '../../domain/run.ts';
import type { ObjectBody, ObjectStore } from '../../stores/objects/object-store.ts';
import { isCoded } from '../../domain/errors.ts';

/** The code that a worker runs: what its runs are recorded with. */
export type WorkerCode = {
  readonly environment: Environment;
  /** The workflow bundle. */
  readonly bundleFile: string;
  /** The bytes of the project's package-lock.json; null when it has none. */
  readonly lockfile: Uint8Array | null;
};

/** What ran a run, as the sealer takes it; null: it is not there any more, and the capsule says so. */
export type RunCode = {
  readonly bundle: { readonly body: ObjectBody; readonly sha256: string } | null;
  readonly lockfile: Uint8Array | null;
};

/**
 * Keeps a worker's bundle and lockfile under their digests, before its first run: the worker that seals a run may be another one, with newer
 * code, on another machine.
 */
export async function keepCode(store: ObjectStore, { environment, bundleFile, lockfile }: WorkerCode): Promise<void> {
  await writeIfAbsent(store, bundleKey(environment.bundleSha256), { file: bundleFile });
  if (lockfile !== null && environment.lockfileSha256 !== null) {
    await writeIfAbsent(store, lockfileKey(environment.lockfileSha256), lockfile);
  }
}

/** The code of a run, by the environment that it was started with. */
export async function codeOf(store: ObjectStore, environment: Environment): Promise<RunCode> {
  const { bundleSha256, lockfileSha256 } = environment;
  const body = await readIfThere(store, bundleKey(bundleSha256));
  return {
    bundle: body === null ? null : { body, sha256: bundleSha256 },
    lockfile: lockfileSha256 === null ? null : await readIfThere(store, lockfileKey(lockfileSha256)),
  };
}

async function readIfThere(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return (await store.read(key)).bytes;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

/** An object that stands there already has the same digest in its name. */
async function writeIfAbsent(store: ObjectStore, key: string, body: ObjectBody): Promise<void> {
  try {
    await store.write(key, body, { ifAbsent: true });
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
  }
}

function bundleKey(sha256: string): string {
  return `code/${sha256}.js`;
}

function lockfileKey(sha256: string): string {
  return `code/${sha256}.json`;
}
