import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A process of an attempt. */
export type AttemptProcess = { readonly pid: number; readonly memoryBytes: number; readonly cpuSeconds: number };

/** Finds an attempt's processes again and again; it remembers whom it has seen. */
export type AttemptWatch = {
  /** All that run now; zombies do not count. */
  look(): readonly AttemptProcess[];
  signal(name: NodeJS.Signals): void;
  /** SIGKILL until none is left; how many there were. */
  endAll(): Promise<number>;
};

/** What tells that a process is of the attempt. `leader`: the program's pid, which is its group's and session's too. */
export type AttemptMarks = {
  readonly attempt: string;
  readonly leader: number | null;
  /** A process that stands in it is of the attempt. */
  readonly folder: string | null;
};

type Listed = {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly started: string;
  readonly ticks: number;
};

/** Of `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const ticksASecond = 100;
/** Pids are used again: after so many looks those that were foreign are looked at anew. */
const forgetAfter = 40;
const mostRounds = 200;

/**
 * Watches the processes of an attempt: the program's group and session, whatever descends from them, and (Linux) whatever carries the
 * attempt's name in its environment or stands in its folder. A process that leaves group and session, clears its environment, changes its
 * folder and loses its parent between two looks is not found.
 */
export function watchAttempt(marks: AttemptMarks): AttemptWatch {
  const known = new Map<number, string>();
  const foreign = new Set<number>();
  let looks = 0;
  const look = (): readonly AttemptProcess[] => {
    looks += 1;
    if (looks % forgetAfter === 0) foreign.clear();
    const listed = process.platform === 'linux' ? listLinux(foreign) : listElsewhere();
    const found = ofAttempt(listed, marks, known);
    for (const { pid } of listed) if (!found.has(pid)) foreign.add(pid);
    known.clear();
    for (const { pid, started } of found.values()) known.set(pid, started);
    return [...found.values()].map(({ pid, ticks }) => ({
      pid,
      memoryBytes: residentBytes(pid),
      cpuSeconds: ticks / ticksASecond,
    }));
  };
  const signal = (name: NodeJS.Signals): void => {
    for (const { pid } of look()) kill(pid, name);
  };
  return { look, signal, endAll: () => endAll(look) };
}

/** Ends whatever still carries the attempt's name: for when its keeper was killed. */
export async function endAttempt(attempt: string): Promise<number> {
  return watchAttempt({ attempt, leader: null, folder: null }).endAll();
}

/**
 * Ends the programs whose keeper and worker were both killed, so that nobody was left to end them (Linux). Keepers carry their attempt's name
 * too: a program without one is an orphan. For a worker that starts.
 */
export async function endOrphans(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const attempts = new Map<string, { kept: boolean }>();
  for (const { pid } of listLinux(new Set())) {
    const environment = read(() => readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? '';
    const attempt = /(?:^|\0)PERDURA_ATTEMPT=([^\0]+)/.exec(environment)?.[1];
    if (attempt === undefined) continue;
    const words = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
    attempts.set(attempt, { kept: words.includes('program-process') || attempts.get(attempt)?.kept === true });
  }
  let ended = 0;
  for (const [attempt, { kept }] of attempts) if (!kept) ended += await endAttempt(attempt);
  return ended;
}

/** Until two looks in a row find none: a process may fork while it is looked for. */
async function endAll(look: () => readonly AttemptProcess[]): Promise<number> {
  const ended = new Set<number>();
  let quiet = 0;
  for (let round = 0; round < mostRounds && quiet < 2; round += 1) {
    const found = look();
    quiet = found.length === 0 ? quiet + 1 : 0;
    for (const { pid } of found) {
      ended.add(pid);
      kill(pid, 'SIGKILL');
    }
    await pause(found.length === 0 ? 0 : 10);
  }
  return ended.size;
}

/** Parents before children whatever their pids, hence until no more is found; this process and its parent are never of it. */
function ofAttempt(
  listed: readonly Listed[],
  marks: AttemptMarks,
  known: ReadonlyMap<number, string>,
): ReadonlyMap<number, Listed> {
  const found = new Map<number, Listed>();
  const groups = new Set<number>(marks.leader === null ? [] : [marks.leader]);
  const candidates = listed.filter(({ pid }) => pid !== process.pid && pid !== process.ppid);
  for (let grown = true; grown;) {
    grown = false;
    for (const one of candidates) {
      if (found.has(one.pid)) continue;
      const related =
        known.get(one.pid) === one.started || found.has(one.parent) || groups.has(one.group) || groups.has(one.session);
      if (!related && !carriesMark(one.pid, marks)) continue;
      found.set(one.pid, one);
      // The session of this process is everyone's: only those that the attempt leads count.
      if (found.has(one.session)) groups.add(one.session);
      grown = true;
    }
  }
  return found;
}

function carriesMark(pid: number, { attempt, folder }: AttemptMarks): boolean {
  if (process.platform !== 'linux') return false;
  const environment = read(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  if (`\0${environment ?? ''}\0`.includes(`\0PERDURA_ATTEMPT=${attempt}\0`)) return true;
  if (folder === null) return false;
  const current = read(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '';
  return current === folder || current.startsWith(`${folder}/`);
}

/** `/proc/<pid>/stat`: the name in brackets may hold spaces, so fields are counted behind it: state, parent, group, session. */
function listLinux(foreign: Set<number>): readonly Listed[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids
    .filter((pid) => !foreign.has(pid))
    .flatMap((pid): readonly Listed[] => {
      const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
      const [state, parent, group, session, ...rest] = (stat?.slice(stat.lastIndexOf(')') + 2) ?? '').split(' ');
      if (state === undefined || state === '' || state === 'Z' || state === 'X') return [];
      const ticks = Number(rest[7]) + Number(rest[8]);
      return [
        { pid, parent: Number(parent), group: Number(group), session: Number(session), started: rest[15] ?? '', ticks },
      ];
    });
}

/** Elsewhere there is no environment of others to read: group and descent must do. */
function listElsewhere(): readonly Listed[] {
  const text = execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,state=,time=,lstart='], { encoding: 'utf8' });
  return text.split('\n').flatMap((line): readonly Listed[] => {
    const [pid, parent, group, state, time, ...started] = line.trim().split(/\s+/);
    if (pid === undefined || pid === '' || state === undefined || state.startsWith('Z')) return [];
    const seconds = (time ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    const ids = { pid: Number(pid), parent: Number(parent), group: Number(group), session: Number(group) };
    return [{ ...ids, started: started.join(' '), ticks: seconds * ticksASecond }];
  });
}

function residentBytes(pid: number): number {
  if (process.platform === 'linux') {
    const status = read(() => readFileSync(`/proc/${pid}/status`, 'latin1'));
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1_024;
  }
  const told = read(() => execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
  return Number(told?.trim() ?? 0) * 1_024;
}

/** A process may go while it is looked at, or be another user's: then it is not of the attempt. */
function read(reading: () => string): string | null {
  try {
    return reading();
  } catch {
    return null;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}
