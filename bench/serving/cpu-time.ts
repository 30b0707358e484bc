import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a process and of all that it started, milliseconds; `root` is its own share, with its ended children. Linux tells it in steps of 10. */
export type CpuTime = { readonly totalMs: number; readonly rootMs: number };

/** Clock ticks a second of /proc (USER_HZ): 100 on every Linux that Node runs on. */
const tickMs = 10;

type Stat = { readonly parent: number; readonly ownMs: number; readonly endedMs: number };

/**
 * Reads /proc (proc(5), `stat`): user and system time of the process, of its descendants, and of children that have ended and were waited
 * for, so that a process which is replaced in between is not lost.
 */
export function cpuTimeOf(pid: number): CpuTime {
  const all = readAll();
  const root = all.get(pid);
  if (root === undefined) throw new Error(`Process ${pid} is gone: its CPU time cannot be read.`);
  let totalMs = 0;
  for (const [each, stat] of all) if (each === pid || descends(all, each, pid)) totalMs += stat.ownMs + stat.endedMs;
  return { totalMs, rootMs: root.ownMs + root.endedMs };
}

/** Resident memory of a process and of all that it started, bytes: pages that they share (proc(5), `Pss`) are counted once. */
export function residentBytesOf(pid: number): number {
  const all = readAll();
  const pids = [...all.keys()].filter((each) => each === pid || descends(all, each, pid));
  return pids.reduce((sum, each) => sum + proportionalBytes(each), 0);
}

/** The processes that a process started, and theirs. */
export function descendantsOf(pid: number): readonly number[] {
  const all = readAll();
  return [...all.keys()].filter((each) => descends(all, each, pid));
}

function descends(all: ReadonlyMap<number, Stat>, pid: number, ancestor: number): boolean {
  let parent = all.get(pid)?.parent;
  while (parent !== undefined && parent > 1) {
    if (parent === ancestor) return true;
    parent = all.get(parent)?.parent;
  }
  return false;
}

function readAll(): ReadonlyMap<number, Stat> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((pid) => {
      const text = readOrEmpty(`/proc/${pid}/stat`);
      // The name in brackets may hold anything, brackets too.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const [, parent, user, system, endedUser, endedSystem] = [0, 1, 11, 12, 13, 14].map((at) => Number(fields[at]));
      if (text === '' || parent === undefined) return [];
      const ms = (ticks = 0, more = 0) => (ticks + more) * tickMs;
      return [[Number(pid), { parent, ownMs: ms(user, system), endedMs: ms(endedUser, endedSystem) }] as const];
    }),
  );
}

function proportionalBytes(pid: number): number {
  const found = /^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`));
  return Number(found?.[1] ?? 0) * 1024;
}

/** A process may end while its files are read: then it has none. */
function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
