import { rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeyCourier } from './key-courier.ts';
import { isEmpty } from './left-behind.ts';
import { type FoundSegment, lookAtReplica, type ReplicaFolder } from './replica-folder.ts';
import { broughtEnding, type Segment } from './segment.ts';
import { siftSegment } from './sift.ts';
import { keyFolder } from './subject-keys.ts';
import { isRunning, processFile, readProcess } from './writer-process.ts';

/** Looks after the folder of one replica: which of its segments may go to the bucket, and when. */
export type FolderWatch = {
  /**
   * Hands on what may go by now. `at: 'the end'`: all writers have ended and nobody repeats a request here, so that nothing waits.
   *
   * @returns whether nothing is left in the folder.
   */
  look(at: 'any time' | 'the end'): Promise<boolean>;
  /** False for a segment that was handed on, and whose process was killed before it went: it comes again. */
  mayGo(segment: Segment): boolean;
  /** Whether a process wrote a segment that this server did not find there when it started. */
  isOwn(segment: Segment): boolean;
  /** Segments that are closed and not handed on yet, at the last look. */
  waiting(): number;
};

export type FolderWatchOptions = {
  readonly folder: string;
  readonly courier: KeyCourier;
  readonly retryWindowMs: number;
  readonly handOn: (segment: Segment) => void;
};

/** Rows that a process wrote so long before its end may be without an answer. */
const suspectMs = 5_000;

type Watch = FolderWatchOptions & {
  /** When each killed process was found so; of the monotonic clock, as all times here. */
  readonly killed: Map<string, number>;
  /** When each file was first seen under its name. */
  readonly seen: Map<string, number>;
  /** Processes of the segments that stood there before this server. */
  readonly before: Set<string>;
  /** Writers' folders that held something at some time. */
  readonly used: Set<string>;
  /** Segments that are with the uploader, and whose they are. */
  readonly handedOn: Map<string, string>;
  /** Segments of killed processes that may go all the same: without the rows that others logged too. */
  readonly settled: Set<string>;
};

/** Begins to look after a folder, whose lock the caller holds. */
export function watchFolder(options: FolderWatchOptions): FolderWatch {
  const watch: Watch = {
    ...options,
    killed: new Map(),
    seen: new Map(),
    before: new Set(),
    used: new Set(),
    handedOn: new Map(),
    settled: new Set(),
  };
  let first = true;
  let waiting = 0;
  return {
    async look(at) {
      const found = await takeOver(watch, await lookAtReplica(watch.folder));
      if (first) noteBefore(watch, found);
      first = false;
      remember(watch, found);
      const failed = await bringKeys(watch, found).catch((error: unknown) => ({ error }));
      const blocked = new Set(failed === null ? [] : found.keys.map(({ process }) => process));
      waiting = await handOnDue(watch, found, { at, blocked });
      await clearUp(watch, found, at);
      if (failed !== null) throw failed.error;
      return isEmpty(found);
    },
    mayGo(segment) {
      const process = watch.handedOn.get(segment.file);
      if (process === undefined || watch.settled.has(segment.file)) return true;
      const said = readProcess(processFile(process));
      if (said === null || isRunning(said)) return true;
      watch.handedOn.delete(segment.file);
      return false;
    },
    isOwn(segment) {
      const process = watch.handedOn.get(segment.file);
      return process !== undefined && !watch.before.has(process);
    },
    waiting: () => waiting,
  };
}

async function bringKeys({ courier }: Watch, { keys }: ReplicaFolder): Promise<null> {
  await courier.refresh();
  await courier.bring(keys);
  return null;
}

/** Marks processes that are gone without having ended, and closes what they left open. */
async function takeOver(watch: Watch, found: ReplicaFolder): Promise<ReplicaFolder> {
  const running = new Set<string>();
  for (const { process, running: runs } of found.processes) {
    if (runs) running.add(process);
    else noteKilled(watch, process);
  }
  const segments: FoundSegment[] = [];
  for (const one of found.segments) {
    if (one.state !== 'open' || running.has(one.process)) {
      segments.push(one);
      continue;
    }
    // Gone by now: its process closed it after the folder was read, and the next look finds it.
    if (!(await renamed(one.file, one.segment.file))) continue;
    noteKilled(watch, one.process);
    segments.push({ ...one, file: one.segment.file, state: 'closed' });
  }
  return { ...found, segments };
}

function noteKilled({ killed }: Watch, process: string): void {
  if (!killed.has(process)) killed.set(process, performance.now());
}

function noteBefore({ before }: Watch, { segments, processes }: ReplicaFolder): void {
  const running = new Set(processes.filter((one) => one.running).map(({ process }) => process));
  for (const { process } of segments) if (!running.has(process)) before.add(process);
}

/** Notes what is new, and forgets files that are gone. */
function remember({ seen, handedOn, settled, used }: Watch, { segments, processes }: ReplicaFolder): void {
  for (const { process } of [...segments, ...processes]) used.add(dirname(process));
  const files = new Set(segments.map(({ file }) => file));
  for (const file of files) if (!seen.has(file)) seen.set(file, performance.now());
  for (const file of seen.keys()) {
    if (files.has(file)) continue;
    seen.delete(file);
    handedOn.delete(file);
    settled.delete(file);
  }
}

/** A segment of a process whose keys are not in the bucket stays: nobody could read it. @returns how many closed segments still wait. */
async function handOnDue(
  watch: Watch,
  found: ReplicaFolder,
  { at, blocked }: { readonly at: 'any time' | 'the end'; readonly blocked: ReadonlySet<string> },
): Promise<number> {
  let waiting = 0;
  for (const one of found.segments) {
    if (one.state !== 'closed' || watch.handedOn.has(one.file)) continue;
    if (blocked.has(one.process) || (at === 'any time' && (await mustWait(watch, found, one)))) {
      waiting += 1;
      continue;
    }
    if (watch.killed.has(one.process)) await settle(watch, found, one);
    watch.handedOn.set(one.file, one.process);
    watch.handOn(one.segment);
  }
  return waiting;
}

/** Every segment waits a moment, so that a kill is noticed before rows go that may be without an answer; a killed process's until no client repeats. */
async function mustWait(watch: Watch, found: ReplicaFolder, one: FoundSegment): Promise<boolean> {
  const now = performance.now();
  const killedAt = watch.killed.get(one.process);
  if (killedAt === undefined) return now - (watch.seen.get(one.file) ?? now) < holdMs(watch);
  return now - killedAt < watch.retryWindowMs && (await isSuspect(found, one));
}

const holdMs = ({ retryWindowMs }: Watch): number => Math.min(1_000, retryWindowMs / 10);

async function settle(watch: Watch, found: ReplicaFolder, one: FoundSegment): Promise<void> {
  if (await isSuspect(found, one)) {
    const since = (await lastWriteMs(found, one.process)) - suspectMs;
    const others: string[] = [];
    for (const other of found.segments) {
      if (other.process === one.process || !isOfOneEndpoint(one, other)) continue;
      if ((await modifiedMs(other)) >= since) others.push(other.segment.file);
    }
    await siftSegment(one.file, others);
  }
  watch.settled.add(one.file);
}

const isOfOneEndpoint = (one: FoundSegment, other: FoundSegment): boolean =>
  one.segment.kind === other.segment.kind && one.segment.endpoint === other.segment.endpoint;

/** Whether a killed process's segment may hold rows without an answer: those of its last moments. */
async function isSuspect(found: ReplicaFolder, one: FoundSegment): Promise<boolean> {
  if (one.segment.kind !== 'inference') return false;
  return (await modifiedMs(one)) >= (await lastWriteMs(found, one.process)) - suspectMs;
}

async function lastWriteMs({ segments }: ReplicaFolder, process: string): Promise<number> {
  const own = segments.filter((one) => one.process === process);
  return Math.max(...(await Promise.all(own.map(modifiedMs))));
}

/** When a line was last written to it; a name that it has not any more says nothing. */
async function modifiedMs({ file, segment }: FoundSegment): Promise<number> {
  const found =
    (await statOf(file)) ?? (await statOf(segment.file)) ?? (await statOf(`${segment.file}${broughtEnding}`));
  return found?.mtimeMs ?? 0;
}

/** Removes what nobody needs any more: lines that are in the bucket once no rows are held against them, and the traces of ended processes. */
async function clearUp(
  watch: Watch,
  { segments, processes, emptied }: ReplicaFolder,
  at: 'any time' | 'the end',
): Promise<void> {
  const now = performance.now();
  const suspects = segments.some(
    ({ state, process, file }) => state === 'closed' && watch.killed.has(process) && !watch.settled.has(file),
  );
  const keptMs = at === 'the end' ? 0 : watch.retryWindowMs + suspectMs;
  const old = segments.filter(
    ({ state, file }) => state === 'brought' && now - (watch.seen.get(file) ?? now) >= keptMs,
  );
  if (!suspects) for (const { file } of old) await rm(file, { force: true });
  for (const { process, file, running } of processes) {
    if (running || segments.some((one) => one.process === process && one.state !== 'brought')) continue;
    await rm(file, { force: true });
    watch.killed.delete(process);
  }
  for (const folder of at === 'the end' ? watch.used : emptied) if (watch.used.has(folder)) await removeEmpty(folder);
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(join(folder, keyFolder)).catch(unlessGone);
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process of that name begins there.
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}

/** @returns false where there is nothing of that name. */
async function renamed(from: string, to: string): Promise<boolean> {
  return (await rename(from, to).then(() => true, unlessGone)) ?? false;
}

const statOf = (file: string) => stat(file).catch(unlessGone);

function unlessGone(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
