import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProgramReport } from '../../domain/program-job.ts';
import type { TrainerLimits } from '../../domain/trainer.ts';
import { type AttemptWatch, watchAttempt } from './attempt-processes.ts';
import { folderBytes } from './folder-size.ts';
import { parseLine } from './report.ts';
import { createSpoken, eachLine, type Spoken } from './spoken.ts';

/** A program to run, and what it is held to. */
export type Supervised = {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly attempt: string;
  readonly limits: TrainerLimits;
  /** What it may fill: their bytes together are held to the limit. */
  readonly measuredFolders: readonly string[];
  readonly signal: AbortSignal;
  /** Ends the program at once, without a word to it. */
  readonly orphaned: AbortSignal;
  /** Throws to end the program. Waiting for the promise holds the program's output back. */
  readonly onReport: (report: ProgramReport) => Promise<void>;
  readonly onMalformed: (problem: string) => void;
};

/** How a program ended, once nothing of it is left. */
export type ProgramEnd = {
  readonly how: ProgramOutcome;
  readonly lastLines: string;
  readonly log: string;
  readonly usage: { readonly cpuSeconds: number; readonly peakMemoryMiB: number };
  /** Processes that the program left behind, and that were ended. */
  readonly left: number;
};

export type ProgramOutcome =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'notStarted'; readonly reason: string }
  | {
      readonly kind: 'overLimit';
      readonly limit: 'silent' | 'memory' | 'disk';
      readonly used: number;
      readonly most: number;
    }
  | { readonly kind: 'fault'; readonly error: unknown };

const lookEveryMs = 250;
const lookAtLeastEveryMs = 1_000;
/** After SIGTERM, when the attempt is cancelled. */
const graceMs = 10_000;
const mebibyte = 1_048_576;
/** A descendant that was not found may hold the pipes open: nobody waits longer for it than this. */
const pipesMs = 2_000;

/**
 * Runs a program in a session of its own, hears its reports, holds it to its limits, and returns when it and everything that it started
 * have ended, whatever way it ended.
 *
 * @throws the signal's reason when it was aborted.
 */
export async function supervise(program: Supervised): Promise<ProgramEnd> {
  program.signal.throwIfAborted();
  const reapedBefore = reapedCpuSeconds();
  const [word = '', ...args] = program.command;
  const child = spawn(word, args, {
    cwd: program.folder,
    env: program.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const spoken = createSpoken();
  const watch = watchAttempt({ attempt: program.attempt, leader: child.pid ?? null, folder: program.folder });
  const run: Running = { program, child, spoken, watch, peakBytes: 0, cpu: new Map(), verdict: null, heardAt: 0 };
  const closed = new Promise<void>((resolve) => child.once('close', resolve));
  const outcome = await liveThrough(run);
  const ended = await endRest(run);
  await Promise.race([closed, pause(pipesMs, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  program.signal.throwIfAborted();
  const lastSeen = [...run.cpu.values()].reduce((sum, seconds) => sum + seconds, 0);
  return {
    how: run.verdict ?? outcome,
    lastLines: spoken.lastLines(),
    log: spoken.log(),
    // The system counts a child's descendants once they were waited for; what was orphaned is known by the last look alone.
    usage: {
      cpuSeconds: Math.max(reapedCpuSeconds() - reapedBefore, lastSeen),
      peakMemoryMiB: Math.ceil(run.peakBytes / mebibyte),
    },
    left: ended,
  };
}

type Running = {
  readonly program: Supervised;
  readonly child: ChildProcess;
  readonly spoken: Spoken;
  readonly watch: AttemptWatch;
  readonly cpu: Map<number, number>;
  peakBytes: number;
  /** Why we ended it; null: we did not. */
  verdict: ProgramOutcome | null;
  heardAt: number;
};

/** Until the program itself has ended. */
async function liveThrough(run: Running): Promise<ProgramOutcome> {
  const { program, child } = run;
  run.heardAt = performance.now();
  hear(run);
  const cancel = (): void => void endGently(run);
  const drop = (): void => end(run, { kind: 'fault', error: new Error('the parent is gone') });
  program.signal.addEventListener('abort', cancel, { once: true });
  program.orphaned.addEventListener('abort', drop, { once: true });
  const over = new AbortController();
  const looking = lookOnAndOn(run, over.signal);
  try {
    return await new Promise<ProgramOutcome>((resolve) => {
      child.once('error', (error) => resolve({ kind: 'notStarted', reason: error.message }));
      child.once('exit', (code, signal) =>
        resolve(signal === null ? { kind: 'exited', code: code ?? 1 } : { kind: 'killed', signal }),
      );
    });
  } finally {
    over.abort();
    await looking;
    program.signal.removeEventListener('abort', cancel);
    program.orphaned.removeEventListener('abort', drop);
  }
}

/** Everything that is left; on a normal end that is what the program left behind. */
async function endRest({ watch }: Running): Promise<number> {
  return watch.endAll();
}

function hear(run: Running): void {
  const { child, spoken, program } = run;
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) return;
  let waiting = 0;
  eachLine(stdout, (line) => {
    const heard = parseLine(line);
    if (heard.kind !== 'report') {
      spoken.keep(line);
      if (heard.kind === 'malformed') program.onMalformed(`${heard.problem}: ${line.slice(0, 200)}`);
      return;
    }
    run.heardAt = performance.now();
    waiting += 1;
    // A flood of reports waits in the pipe, not in the memory.
    if (waiting > 1_000) stdout.pause();
    program
      .onReport(heard.report)
      .catch((error: unknown) => end(run, { kind: 'fault', error }))
      .finally(() => {
        waiting -= 1;
        if (waiting < 500 && stdout.isPaused()) stdout.resume();
      });
  });
  eachLine(stderr, (line) => spoken.keep(line));
}

async function lookOnAndOn(run: Running, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const began = performance.now();
    try {
      await lookOnce(run);
    } catch (error) {
      end(run, { kind: 'fault', error });
    }
    const took = performance.now() - began;
    // Looking costs time of the machine that trains: a twentieth of it, where the limits can still be watched so.
    const rest = Math.min(Math.max(lookEveryMs, took * 20), lookAtLeastEveryMs);
    await pause(rest, undefined, { signal: over }).catch(() => undefined);
  }
}

async function lookOnce(run: Running): Promise<void> {
  const { silentForMs, memoryMiB, diskMiB } = run.program.limits;
  const processes = run.watch.look();
  for (const { pid, cpuSeconds } of processes) run.cpu.set(pid, cpuSeconds);
  const bytes = processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  run.peakBytes = Math.max(run.peakBytes, bytes);
  if (memoryMiB !== null && bytes > memoryMiB * mebibyte)
    end(run, { kind: 'overLimit', limit: 'memory', used: Math.ceil(bytes / mebibyte), most: memoryMiB });
  const sizes = await Promise.all(run.program.measuredFolders.map(folderBytes));
  const disk = sizes.reduce((sum, size) => sum + size, 0);
  if (disk > diskMiB * mebibyte)
    end(run, { kind: 'overLimit', limit: 'disk', used: Math.ceil(disk / mebibyte), most: diskMiB });
  const silentMs = performance.now() - run.heardAt;
  if (silentMs > silentForMs) end(run, { kind: 'overLimit', limit: 'silent', used: silentMs, most: silentForMs });
}

/** At once: whoever is over a limit gets no time to go on. */
function end(run: Running, verdict: ProgramOutcome): void {
  run.verdict ??= verdict;
  run.watch.signal('SIGKILL');
}

async function endGently(run: Running): Promise<void> {
  run.watch.signal('SIGTERM');
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline) {
    if (run.watch.look().length === 0) return;
    await pause(100);
  }
  run.watch.signal('SIGKILL');
}

/** CPU time of children of this process that have ended, with their own. */
function reapedCpuSeconds(): number {
  if (process.platform !== 'linux') return 0;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
