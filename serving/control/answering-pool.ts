import { setTimeout as wait } from 'node:timers/promises';
import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import type { AnsweringProcess, Ending } from './answering-process.ts';

/** The answering processes of one server: as many as it should have, whatever ends them. */
export type AnsweringPool = {
  /** Tells the first processes what to load, and waits until all answer. @throws CodedError why one could not start. */
  begin(): Promise<void>;
  /** Those that live, on their way out included since they still answer on open connections: a switch is for all of these. */
  living(): readonly AnsweringProcess[];
  /** Replaces processes that loaded many packages, one at a time; the old one goes when the new one answers. */
  recycle(): void;
  /** Ends all of them. */
  drain(options: { readonly atMostMs: number }): Promise<void>;
};

export type AnsweringPoolOptions = {
  readonly size: number;
  readonly recycleAfterLoads: number;
  readonly fork: () => AnsweringProcess;
  /** What a new process starts with; asked at the moment at which it is told. */
  readonly inForce: () => readonly PreparedEndpoint[];
  /** Brings back what vanished from the disk of that; called after a process ended at once, or did not start. */
  readonly restore: () => Promise<void>;
  /** Told when a process answers in its place; the one that it replaces is on its way out by then. */
  readonly onReady: (process: AnsweringProcess) => void;
  readonly onEnded: (process: AnsweringProcess, ending: Ending) => void;
  /** Told after another was started in the place of one that died, or that had loaded many packages. */
  readonly onReplaced: (why: 'died' | 'recycled') => void;
  readonly report: (line: string) => void;
};

/** `awaited`: another process is on its way to take this place. */
type Slot = { process: AnsweringProcess | null; failures: number; awaited: boolean };

const firstPauseMs = 100;
const longestPauseMs = 10_000;
/** A process that lived longer did not die of its start. */
const settledAfterMs = 5_000;
const drainAtMostMs = 15_000;
/**
 * A client may send on an idle connection in the moment in which it is closed. Who is only replaced has time: connections that are used are told to
 * end with their next answer, and those that nobody used for so long are hardly used just then.
 */
const replacedGraceMs = 8_000;
const endingGraceMs = 2_000;

/** Forks the first processes at once: they get ready while the control process looks at the bucket. */
export function createAnsweringPool(options: AnsweringPoolOptions): AnsweringPool {
  const { inForce, report } = options;
  const closing = new AbortController();
  const slots = Array.from({ length: options.size }, (): Slot => ({ process: null, failures: 0, awaited: false }));
  /** Beside the slots: those that come to take a place, and those that gave theirs. */
  const beside = new Set<AnsweringProcess>();
  /** Until the old process is gone too: no two are replaced at once. */
  let recycling = false;

  const fork = (): AnsweringProcess => {
    const process = options.fork();
    void process.ended.then((ending) => {
      beside.delete(process);
      options.onEnded(process, ending);
    });
    return process;
  };
  const take = (slot: Slot, process: AnsweringProcess): void => {
    slot.process = process;
    const started = performance.now();
    process.ready.then(
      () => options.onReady(process),
      () => undefined,
    );
    void process.ended.then(({ silent, signal, code }) => {
      if (slot.process !== process || closing.signal.aborted) return;
      slot.process = null;
      if (slot.awaited) return;
      slot.failures = performance.now() - started > settledAfterMs ? 0 : slot.failures + 1;
      const how = silent ? 'killed: it did not answer any more' : (signal ?? `code ${String(code)}`);
      report(`Answering process ${process.pid} ended (${how}); another is started.`);
      void respawn(slot);
    });
  };
  const respawn = async (slot: Slot): Promise<void> => {
    const pauseMs = slot.failures <= 1 ? 0 : Math.min(firstPauseMs * 2 ** (slot.failures - 2), longestPauseMs);
    if (pauseMs > 0) await wait(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
    if (slot.failures > 0) await options.restore();
    if (closing.signal.aborted) return;
    const process = fork();
    take(slot, process);
    process.begin(inForce());
    options.onReplaced('died');
    process.ready.catch((error: Error) => report(`An answering process did not start: ${error.message}`));
  };
  const replace = async (slot: Slot, old: AnsweringProcess): Promise<void> => {
    const started = performance.now();
    const next = fork();
    beside.add(next);
    next.begin(inForce());
    slot.awaited = true;
    try {
      await next.ready;
    } catch (error) {
      report(`No process could take the place of answering process ${old.pid}: ${(error as Error).message}`);
      await options.restore();
      // Not before: an old one that dies meanwhile would be replaced twice.
      slot.awaited = false;
      return slot.process === null ? respawn(slot) : undefined;
    }
    slot.awaited = false;
    beside.delete(next);
    if (old.state() !== 'ended') beside.add(old);
    take(slot, next);
    const drained = old.drain({ atMostMs: drainAtMostMs, idleGraceMs: replacedGraceMs });
    options.onReplaced('recycled');
    const tookMs = Math.round(performance.now() - started);
    report(`Answering process ${next.pid} takes the place of ${old.pid} (${tookMs} ms).`);
    await drained;
  };
  for (const slot of slots) take(slot, fork());

  const living = (): readonly AnsweringProcess[] =>
    [...slots.flatMap(({ process }) => process ?? []), ...beside].filter((process) => process.state() !== 'ended');
  return {
    async begin() {
      const first = slots.flatMap(({ process }) => process ?? []);
      for (const process of first) process.begin(inForce());
      await Promise.all(first.map((process) => process.ready));
    },
    living,
    recycle() {
      if (closing.signal.aborted || recycling) return;
      const slot = slots.find(
        ({ process }) =>
          process?.state() === 'ready' && (process.lastReport()?.loads ?? 0) >= options.recycleAfterLoads,
      );
      if (slot === undefined || slot.process === null) return;
      recycling = true;
      void replace(slot, slot.process).finally(() => {
        recycling = false;
      });
    },
    async drain({ atMostMs }) {
      closing.abort();
      const all = [...slots.flatMap(({ process }) => process ?? []), ...beside];
      await Promise.all([...new Set(all)].map((process) => process.drain({ atMostMs, idleGraceMs: endingGraceMs })));
    },
  };
}
