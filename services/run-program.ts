import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Duration, durationMs } from '../domain/duration.ts';

/** How a program ended. `code` null: it could not be started, ran past its limit or was killed; `reason` says which in one line. */
export type ProgramResult = {
  readonly code: number | null;
  readonly reason: string;
  /** Standard output and error, the last 200 lines of both together. */
  readonly output: string;
};

const keptLines = 200;

/** Runs a program to its end, without a shell, within a time limit. It does not outlive this process where the system can see to that. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: {
    readonly limit: Duration;
    readonly environment: NodeJS.ProcessEnv;
    readonly folder?: string;
    readonly onLine?: (line: string) => void;
  },
): Promise<ProgramResult> {
  const [program, ...rest] = boundToParent([command, ...args]);
  const child = spawn(program ?? command, rest, {
    env: options.environment,
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const take = (line: string): void => {
    if (lines.push(line) > keptLines) lines.shift();
    options.onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take);
  const end = await ended(child, options.limit);
  return { code: end.code, reason: end.code === 0 ? 'ended well' : reasonOf(end, lines), output: lines.join('\n') };
}

/**
 * The command line with which a program dies together with its parent process, also when that is killed with -9: `setpriv` sets the
 * parent-death signal, which Linux keeps across exec. Where there is no such `setpriv` the command stays as it is.
 */
export function boundToParent(command: readonly string[]): readonly string[] {
  deathSignal ??= findDeathSignal();
  return [...deathSignal, ...command];
}

/** Whether this system can bind a program's life to its parent's: Linux with the `setpriv` of util-linux (busybox's cannot). */
export function hasDeathSignal(): boolean {
  return boundToParent([]).length > 0;
}

let deathSignal: readonly string[] | null = null;

/** By its full path: the program that it starts may get another PATH than this process. */
function findDeathSignal(): readonly string[] {
  if (process.platform !== 'linux') return [];
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/bin'];
  const setpriv = folders
    .map((folder) => path.join(folder, 'setpriv'))
    .find((file) => path.isAbsolute(file) && existsSync(file));
  if (setpriv === undefined) return [];
  const prefix = [setpriv, '--pdeathsig', 'KILL', '--'];
  const tried = spawnSync(setpriv, [...prefix.slice(1), process.execPath, '--version'], { stdio: 'ignore', env: {} });
  return tried.status === 0 ? prefix : [];
}

type End = { readonly code: number | null; readonly why: string };

function ended(child: ChildProcess, limit: Duration): Promise<End> {
  return new Promise((resolve) => {
    let why = '';
    const timer = setTimeout(() => {
      why = `did not end within ${limit}`;
      child.kill('SIGKILL');
    }, durationMs(limit));
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: null, why: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: why === '' ? code : null,
        why: why || (signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
      });
    });
  });
}

/** The last line that says something is what a person wants to read; setpriv's own complaint is that the program could not be started. */
function reasonOf(end: End, lines: readonly string[]): string {
  const said = lines.findLast((line) => line.trim() !== '')?.trim() ?? '';
  return said === '' ? end.why : `${end.why}: ${said.slice(0, 300)}`;
}
