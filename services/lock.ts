import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../domain/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

/** A lock that is held: a file that names its holder. It owns that file: release it. */
export type Lock = { release(): void };

/**
 * Takes a lock or says who has it. The file appears whole or not at all (a hard link), and the lock of a process that died, however it
 * died, is taken over.
 */
export function tryLock(file: string): { readonly lock: Lock } | { readonly holder: ProcessIdentity } {
  mkdirSync(path.dirname(file), { recursive: true });
  const own = `${file}.${process.pid}-${randomUUID()}`;
  const token = JSON.stringify({
    ...(identify(process.pid) ?? { pid: process.pid, started: null }),
    token: randomUUID(),
  });
  try {
    writeFileSync(own, token, { mode: 0o600 });
    for (;;) {
      if (linked(own, file)) return { lock: { release: () => releaseOwn(file, token) } };
      const holder = readHolder(file);
      if (holder !== null && isAlive(holder)) return { holder };
      removeStale(file);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Runs `work` under a lock, waiting for whoever has it; `onWait` is told once who that is. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options: { readonly onWait: (holder: ProcessIdentity) => void; readonly signal?: AbortSignal },
): Promise<T> {
  let told = false;
  for (;;) {
    const taken = tryLock(file);
    if ('lock' in taken) {
      try {
        return await work();
      } finally {
        taken.lock.release();
      }
    }
    if (!told) options.onWait(taken.holder);
    told = true;
    await delay(250, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Renamed before it is looked at again: of several that see the same stale lock only one gets it, and a fresh lock is put back. */
function removeStale(file: string): void {
  const aside = `${file}.stale-${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const holder = readHolder(aside);
  if (holder !== null && isAlive(holder)) linked(aside, file);
  rmSync(aside, { force: true });
}

function releaseOwn(file: string, token: string): void {
  try {
    if (readFileSync(file, 'utf8') === token) rmSync(file, { force: true });
  } catch {
    // Gone already, with its folder: then there is nothing to release.
  }
}

function readHolder(file: string): ProcessIdentity | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isIdentity(holder) ? { pid: holder.pid, started: holder.started } : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return null;
    throw new CodedError('CONFLICT', `The lock ${file} cannot be read. Look at its permissions.`, { cause: error });
  }
}

/** Also for other files that name processes. */
export function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return false;
  return typeof value.pid === 'number' && (typeof value.started === 'string' || value.started === null);
}
