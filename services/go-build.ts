import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Duration, durationMs } from '../domain/duration.ts';
import { diskFull, requireSpace, saysDiskFull } from './disk.ts';
import { obtainToolchain } from './go-toolchain.ts';
import type { Platform, ServerProgram } from './programs.ts';
import type { StepOptions } from './release.ts';
import { runProgram } from './run-program.ts';

const limits: { readonly look: Duration; readonly reach: Duration; readonly build: Duration } = {
  look: '15 seconds',
  reach: '1 minute',
  build: '40 minutes',
};
const progressEvery: Duration = '10 seconds';
/** What the larger of the two takes, measured: intermediate files alone, and with modules and build cache. */
const bytes = { intermediate: 1_536 * 1_048_576, all: 5_120 * 1_048_576 };

/**
 * Builds the pinned version with the Go on the PATH.
 *
 * @returns the path of the program, inside the step's folder.
 * @throws Error that says in one line what went wrong; CodedError DISK_FULL.
 */
export async function buildWithInstalledGo(
  program: ServerProgram,
  options: StepOptions & { readonly environment: NodeJS.ProcessEnv },
): Promise<string> {
  const asked = await runProgram('go', ['version'], { limit: limits.look, environment: options.environment });
  const version = /go version go(\d+\.\d+(?:\.\d+)?)/.exec(asked.output)?.[1];
  if (asked.code !== 0 || version === undefined) throw new Error('there is no Go on the PATH');
  if (!isAtLeast(version, program.oldestGo)) {
    throw new Error(`the Go on the PATH is ${version}, and ${program.name} needs ${program.oldestGo} or later`);
  }
  return goInstall(program, { ...options, go: 'go', environment: { ...options.environment, GOTOOLCHAIN: 'local' } });
}

/**
 * Builds the pinned version with a Go toolchain from the module proxy that GOPROXY names. That Go keeps its modules and its build cache
 * in the step's folder, so that a machine without Go is left without Go's leftovers.
 */
export async function buildWithProxyGo(
  program: ServerProgram,
  options: StepOptions & {
    readonly environment: NodeJS.ProcessEnv;
    readonly cacheFolder: string;
    readonly platform: Platform;
  },
): Promise<string> {
  const proxy = firstProxy(options.environment['GOPROXY']);
  if (proxy === null) throw new Error('GOPROXY names no module proxy, so a Go toolchain cannot be taken from there');
  await requireSpace(options.cacheFolder, bytes.all, 'PERDURA_CACHE');
  const go = await obtainToolchain(options.cacheFolder, { ...options, proxy });
  const workFolder = path.join(options.folder, 'go');
  return goInstall(program, {
    ...options,
    go,
    environment: {
      ...options.environment,
      GOROOT: path.dirname(path.dirname(go)),
      GOTOOLCHAIN: 'local',
      GOPATH: workFolder,
      GOMODCACHE: path.join(workFolder, 'mod'),
      GOCACHE: path.join(workFolder, 'build'),
      // Go makes its module cache read-only, which would keep the step's folder from being removed.
      GOFLAGS: `${options.environment['GOFLAGS'] ?? ''} -modcacherw`.trim(),
    },
  });
}

/** The first entry of GOPROXY that is an address: 'direct' and 'off' have no toolchains. */
export function firstProxy(setting: string | undefined): string | null {
  return (
    setting
      ?.split(/[,|]/)
      .find((entry) => /^https?:\/\//.test(entry.trim()))
      ?.trim() ?? null
  );
}

/** Whether a dotted version is another or later, number by number. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [own, other] = [version, oldest].map((text) => text.split('.').map(Number));
  for (let at = 0; at < 3; at += 1) {
    const difference = (own?.[at] ?? 0) - (other?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

async function goInstall(
  program: ServerProgram,
  options: StepOptions & { readonly go: string; readonly environment: NodeJS.ProcessEnv },
): Promise<string> {
  await requireSpace(options.folder, bytes.intermediate, 'PERDURA_CACHE');
  const bin = path.join(options.folder, 'bin');
  const temporary = path.join(options.folder, 'tmp');
  for (const folder of [bin, temporary]) await mkdir(folder, { recursive: true });
  const environment = { ...options.environment, CGO_ENABLED: '0', GOBIN: bin, GOTMPDIR: temporary, GOWORK: 'off' };
  const run = (args: readonly string[], limit: Duration, onLine: (line: string) => void) =>
    runProgram(options.go, args, { limit, environment, folder: options.folder, onLine });

  const module = `${program.goModule}@${program.version}`;
  const reached = await run(['list', '-m', module], limits.reach, () => undefined);
  if (reached.code !== 0) throw new Error(`Go cannot get ${module}: ${reached.reason}`);
  const built = await run(
    ['install', '-v', '-ldflags=-s -w', `${program.goPackage}@${program.version}`],
    limits.build,
    buildProgress(options.onProgress),
  );
  if (built.code === 0) return executable(path.join(bin, program.name));
  if (saysDiskFull(built.output)) throw diskFull(options.folder, 'PERDURA_CACHE', 'building with Go ran out of space');
  throw new Error(`go install ${program.goPackage}@${program.version}: ${built.reason}`);
}

async function executable(file: string): Promise<string> {
  await chmod(file, 0o755);
  return file;
}

/** `-v` names each package as it is compiled; a count now and then shows that it goes on. */
function buildProgress(onProgress: (line: string) => void): (line: string) => void {
  const started = Date.now();
  let told = started;
  let packages = 0;
  onProgress('building with Go, a few minutes, once');
  return (line) => {
    if (line.startsWith('go: downloading')) return;
    packages += 1;
    if (Date.now() - told < durationMs(progressEvery)) return;
    told = Date.now();
    onProgress(`building with Go, ${Math.round((told - started) / 1000)} s, ${packages} packages compiled`);
  };
}
