import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../domain/config.ts';
import { readConfig } from '../../project/config.ts';
import { s3Program } from '../../services/programs.ts';
import { resolveProgram } from '../../services/resolve.ts';

const made: string[] = [];

/** A new folder under the system's temporary one; `removeFolders` removes it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'perdura-services-'));
  made.push(folder);
  return folder;
}

/** For afterAll: removes what `temporaryFolder` made. */
export async function removeFolders(): Promise<void> {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** A configuration with embedded services whose state is in `homeFolder`, with the machine's own cache of programs. */
export function embeddedConfig(homeFolder: string, settings: Readonly<Record<string, string>> = {}): Config {
  const own = Object.fromEntries(
    ['HOME', 'PERDURA_CACHE', 'PERDURA_TEMPORAL_BINARY', 'PERDURA_S3_BINARY'].map((name) => [name, process.env[name]]),
  );
  return readConfig({ ...own, PERDURA_HOME: homeFolder, ...settings }, homeFolder);
}

/** The real S3 server program, wherever this machine has it. */
export async function realS3Program(): Promise<string> {
  const { cacheFolder, s3Binary } = embeddedConfig(tmpdir());
  const options = { binary: s3Binary, cacheFolder, environment: process.env, onProgress: () => undefined };
  return (await resolveProgram(s3Program, options)).path;
}

/** Waits until a condition holds; fails with its name when it does not in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await delay(20)) {
    if (await holds()) return;
  }
  throw new Error(`not within ${limitMs} ms: ${what}`);
}

/** What a promise was rejected with, as far as tests look at it; fails when it was not. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ code: unknown; message: string; details: unknown }> {
  try {
    await promise;
  } catch (error) {
    const { code, message, details } = Object(error) as { code: unknown; message: string; details: unknown };
    return { code, message, details };
  }
  throw new Error('it was not rejected');
}
