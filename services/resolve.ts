import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../domain/errors.ts';
import { folderError, saysDiskFull } from './disk.ts';
import { buildWithInstalledGo, buildWithProxyGo } from './go-build.ts';
import { withLock } from './lock.ts';
import { type Platform, releaseHost, type ServerProgram } from './programs.ts';
import { downloadRelease } from './release.ts';
import { runProgram } from './run-program.ts';

/** Where a program was found. */
export type ResolvedProgram = {
  readonly path: string;
  readonly source: 'setting' | 'PATH' | 'cache' | 'release' | 'go';
};

/** `releases`: the host of the releases, another one only in tests. `environment`: what child programs inherit. */
export type ResolveOptions = {
  /** From the configuration; null when none is named. */
  readonly binary: string | null;
  readonly cacheFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly platform?: Platform;
  readonly releases?: string;
  readonly onProgress: (line: string) => void;
};

/** A way that did not lead to the program, and why, in one line. */
export type Attempt = { readonly way: string; readonly reason: string };

/**
 * Finds a server program, or gets it: the path from the configuration, the PATH, the cache folder, the official release, `go install`
 * with the Go on the PATH, `go install` with a Go from the module proxy. Whatever it takes is run once with `--version` before.
 * Several processes may do this at once: one works, the others wait for it.
 *
 * @throws CodedError CONFIG_INVALID when the configured path is not that program; SERVICE_UNOBTAINABLE that lists every way with its
 * reason (`details.attempts`); DISK_FULL.
 */
export async function resolveProgram(program: ServerProgram, options: ResolveOptions): Promise<ResolvedProgram> {
  if (options.binary !== null) return configured(program, options.binary, options);
  const attempts: Attempt[] = [];
  const present = await findPresent(program, options, attempts);
  if (present !== null) return present;
  const label = `${program.name} ${program.version}`;
  return withLock(
    path.join(options.cacheFolder, program.name, `${program.version}.lock`),
    () => obtain(program, options, attempts),
    {
      onWait: (holder) => options.onProgress(`${label}: another process (pid ${holder.pid}) is getting it; waiting`),
    },
  ).catch((error: unknown) => {
    throw folderError(error, options.cacheFolder, 'PERDURA_CACHE');
  });
}

/** Looks for a program without fetching anything: the setting, the PATH, the cache. Null when it is in none of them. */
export async function findPresent(
  program: ServerProgram,
  options: Omit<ResolveOptions, 'onProgress'>,
  attempts: Attempt[] = [],
): Promise<ResolvedProgram | null> {
  if (options.binary !== null) return configured(program, options.binary, options);
  const onPath = findOnPath(program.name, options.environment['PATH']);
  if (onPath === null) attempts.push({ way: 'PATH', reason: `no program '${program.name}' there` });
  else {
    const problem = await problemOf(program, onPath, options.environment);
    if (problem === null) return { path: onPath, source: 'PATH' };
    attempts.push({ way: 'PATH', reason: `${onPath} ${problem}` });
  }
  const cached = cachedPath(program, options.cacheFolder);
  const problem = existsSync(cached) ? await problemOf(program, cached, options.environment) : 'does not exist';
  if (problem === null) return { path: cached, source: 'cache' };
  attempts.push({ way: 'cache folder', reason: `${cached} ${problem}` });
  return null;
}

/** `<cacheFolder>/<name>/<version>/<name>`: shared by all projects of a user. */
export function cachedPath(program: ServerProgram, cacheFolder: string): string {
  return path.join(cacheFolder, program.name, program.version, program.name);
}

async function configured(
  program: ServerProgram,
  file: string,
  options: Pick<ResolveOptions, 'environment'>,
): Promise<ResolvedProgram> {
  const problem = existsSync(file) ? await problemOf(program, file, options.environment) : 'does not exist';
  if (problem === null) return { path: file, source: 'setting' };
  throw new CodedError(
    'CONFIG_INVALID',
    `${program.setting} names ${file}, which ${problem}. Correct the path, or unset ${program.setting} to let perdura find or fetch ${program.title}.`,
  );
}

type Step = {
  readonly way: string;
  readonly source: ResolvedProgram['source'];
  run(folder: string): Promise<string>;
};

/** Runs under the lock: leftovers of processes that died at this are removed, and someone may have been faster. */
async function obtain(program: ServerProgram, options: ResolveOptions, attempts: Attempt[]): Promise<ResolvedProgram> {
  const programFolder = path.join(options.cacheFolder, program.name);
  const cached = cachedPath(program, options.cacheFolder);
  if (existsSync(cached) && (await problemOf(program, cached, options.environment)) === null) {
    return { path: cached, source: 'cache' };
  }
  await removeLeftovers(programFolder, program.version);
  for (const step of steps(program, options)) {
    const folder = path.join(programFolder, `.${program.version}-${randomUUID()}`);
    try {
      await mkdir(folder, { recursive: true });
      const built = await step.run(folder);
      const problem = await problemOf(program, built, options.environment);
      if (problem !== null) throw new Error(`what came out ${problem}`);
      await mkdir(path.dirname(cached), { recursive: true });
      await rename(built, cached);
      return { path: cached, source: step.source };
    } catch (error) {
      if (saysDiskFull(error)) throw error;
      const reason = oneLine(error);
      attempts.push({ way: step.way, reason });
      options.onProgress(`${program.name} ${program.version}: ${step.way}: ${reason}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw unobtainable(program, attempts, options);
}

function steps(program: ServerProgram, options: ResolveOptions): readonly Step[] {
  const platform = options.platform ?? { os: process.platform, arch: process.arch };
  const onProgress = (line: string): void => options.onProgress(`${program.name} ${program.version}: ${line}`);
  const { environment, cacheFolder } = options;
  return [
    {
      way: 'release download',
      source: 'release',
      run: (folder) =>
        downloadRelease(program, { folder, onProgress, platform, host: options.releases ?? releaseHost }),
    },
    {
      way: 'go install',
      source: 'go',
      run: (folder) => buildWithInstalledGo(program, { folder, onProgress, environment }),
    },
    {
      way: 'go install with a Go from the module proxy',
      source: 'go',
      run: (folder) => buildWithProxyGo(program, { folder, onProgress, environment, cacheFolder, platform }),
    },
  ];
}

async function removeLeftovers(programFolder: string, version: string): Promise<void> {
  for (const name of await readdir(programFolder)) {
    if (name.startsWith(`.${version}-`)) await rm(path.join(programFolder, name), { recursive: true, force: true });
  }
}

function findOnPath(name: string, searched: string | undefined): string | null {
  for (const folder of (searched ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    if (path.isAbsolute(folder) && existsSync(file)) return file;
  }
  return null;
}

/** Null when the program runs and is the one that is meant. */
async function problemOf(program: ServerProgram, file: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  const ran = await runProgram(file, ['--version'], { limit: '30 seconds', environment });
  if (ran.code !== 0) return `does not run (${ran.reason})`;
  return program.versionPattern.test(ran.output)
    ? null
    : `is another program: --version printed '${ran.output.slice(0, 80)}'`;
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

function unobtainable(program: ServerProgram, attempts: readonly Attempt[], options: ResolveOptions): CodedError {
  const { name, version } = program;
  const tried = attempts.map(({ way, reason }) => `\n  - ${way}: ${reason}`).join('');
  const archive = program.archive(options.platform ?? { os: process.platform, arch: process.arch });
  const remedies = [
    ...(archive === null
      ? []
      : [
          `download ${releaseHost}/${program.releasePath}/${version}/${archive} elsewhere and name the program in ${program.setting}`,
        ]),
    `install Go ${program.oldestGo} or later, or set GOPROXY to a Go module proxy that this machine reaches`,
    `copy ${cachedPath(program, options.cacheFolder)} from a machine like this one that has it`,
    `use a server that runs elsewhere: set ${name === 'temporal' ? 'TEMPORAL_ADDRESS' : 'S3_ENDPOINT'}`,
  ];
  return new CodedError(
    'SERVICE_UNOBTAINABLE',
    `Cannot obtain ${program.title} (${name} ${version}): it could neither be found, downloaded nor built. Tried:${tried}\nDo one of these:${remedies.map((line) => `\n  - ${line}`).join('')}`,
    { details: { program: name, attempts } },
  );
}
