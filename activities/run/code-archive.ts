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

/** What ran a run, as the sealer takes it. */
export type RunCode = {
  readonly bundle: { readonly body: ObjectBody; readonly sha256: string };
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
  const { bytes } = await store.read(bundleKey(bundleSha256));
  const lockfile = lockfileSha256 === null ? null : (await store.read(lockfileKey(lockfileSha256))).bytes;
  return { bundle: { body: bytes, sha256: bundleSha256 }, lockfile };
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
