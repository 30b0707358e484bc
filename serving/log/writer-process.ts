import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';

/** A process that writes a log, as its file `<startId>.process` tells of it. `started` null: the system does not say. */
export type WriterProcess = { readonly pid: number; readonly started: string | null };

export const processEnding = '.process';

/**
 * Says in a writer's folder that this process writes there; `end` takes it back. A file that stands while its process is gone tells the collector
 * that the process was killed.
 */
export function announceProcess(folder: string, startId: string): { end(): void } {
  const file = processFile(join(folder, startId));
  const own: WriterProcess = { pid: process.pid, started: startOf(process.pid) };
  for (let tries = 3; !isWritten(folder, file, own); tries -= 1) {
    if (tries === 0)
      throw new CodedError('DISK_FULL', `Log folder ${folder} is removed again and again. Look at who does.`);
  }
  return { end: () => rmSync(file, { force: true }) };
}

/** Where a process, `<folder>/<startId>`, says that it writes. */
export const processFile = (process: string): string => `${process}${processEnding}`;

/** False where the collector removed the folder in between: the one that wrote under the same name before had just ended. */
function isWritten(folder: string, file: string, own: WriterProcess): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(`${file}.part`, JSON.stringify(own));
    renameSync(`${file}.part`, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Reads such a file; null where it is gone since it was seen: its process ended as it should. */
export function readProcess(file: string): WriterProcess | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as WriterProcess;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Whether a process still runs. Its segments are its own so long: the children of a control process that was killed end a moment after it, while
 * the next one may be starting. A number that another process got since is told by when that one started, where the system says so.
 */
export function isRunning({ pid, started }: WriterProcess): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === null || startOf(pid) === started;
}

/** Ticks since the system's start, with the name of that start; null where /proc does not say, 'ended' for a process that only waits to be reaped. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${String(fields[19])}`;
  } catch {
    return null;
  }
}
