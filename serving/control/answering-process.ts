import cluster, { type Worker } from 'node:cluster';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../domain/errors.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import type { AnsweringReport, FromAnswering, ToAnswering } from '../messages.ts';
import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import { passOnUnclaimed } from './unclaimed-connections.ts';

/** How a process ended: `drained` when it was told to and finished what it had begun; `silent` when it was killed for answering nothing any more. */
export type Ending = {
  readonly drained: boolean;
  readonly silent: boolean;
  readonly code: number | null;
  readonly signal: string | null;
};

/** One answering process, as the control process sees it. It owns a child process. */
export type AnsweringProcess = {
  /** Names its folder of the log; no two processes of a replica share one. */
  readonly writer: string;
  readonly pid: number;
  state(): 'starting' | 'ready' | 'draining' | 'ended';
  /** Whether it was told to drain, also once it ended of that: it still answers on connections that are open. */
  leaving(): boolean;
  /** Sends the first message; `ready` says how it went. */
  begin(endpoints: readonly PreparedEndpoint[]): void;
  /** Rejects with why it could not start; also when it ended before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ending>;
  /** Resolves when it has loaded and warmed the endpoint. @throws CodedError why not; SERVICE_UNAVAILABLE when it ended or is silent. */
  prepare(change: number, endpoint: PreparedEndpoint): Promise<void>;
  /** Resolves when what was prepared is in force. @throws CodedError SERVICE_UNAVAILABLE. */
  apply(change: number): Promise<void>;
  /** What it counts, anew. One that does not answer this any more answers no request either, and is killed. @throws CodedError SERVICE_UNAVAILABLE. */
  report(): Promise<AnsweringReport>;
  /** The newest of its reports, also after its end; null: none came. */
  lastReport(): AnsweringReport | null;
  send(message: ToAnswering): void;
  /** Takes no more connections, finishes what is under way, ends. Killed when that takes longer. */
  drain(options: { readonly atMostMs: number; readonly idleGraceMs: number }): Promise<Ending>;
  kill(): void;
};

export type AnsweringProcessOptions = {
  readonly writer: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Another program that speaks the same messages, for tests of what goes wrong. */
  readonly program?: string;
  /** How long a question may stay without an answer; 30 seconds unless given. */
  readonly answerWithinMs?: number;
  /** Added to this process's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Questions, counts and reports: what it says without being waited for, too. */
  readonly onMessage: (process: AnsweringProcess, message: Extract<FromAnswering, { type: Told }>) => void;
};

type Told = 'ask' | 'asked' | 'report';
type Awaited = { resolve(message: FromAnswering): void; reject(error: unknown): void; readonly timer: NodeJS.Timeout };

const startWithinMs = 120_000;
const lastWordsAtMostMs = 250;
/** An answer that came while this process itself was held up is read before it counts as missing. */
const readWithinMs = 100;

const program = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/serving/answering/main.js' : '../answering/main.js',
  import.meta.url,
);

/** Forks one; it waits for `begin`. */
export function forkAnswering(options: AnsweringProcessOptions): AnsweringProcess {
  const { writer, httpPort, grpcPort, answerWithinMs = 30_000 } = options;
  // Flags of this process (a test runner's, a debugger's) are not for its children.
  cluster.setupPrimary({ exec: options.program ?? fileURLToPath(program), args: [], execArgv: [] });
  const worker = cluster.fork(options.environment);
  const pid = worker.process.pid ?? -1;
  const conversation = converse(worker, (message) => options.onMessage(self, message));
  let state: ReturnType<AnsweringProcess['state']> = 'starting';
  let leaving = false;
  let silent = false;

  const gone = untilGone(worker);
  passOnUnclaimed(worker, gone);
  const ended = gone.then((how): Ending => {
    const drained = state === 'draining' && how.code === 0;
    state = 'ended';
    conversation.end(endedBefore(pid, how.signal ?? `code ${String(how.code)}`));
    return { drained, silent, ...how };
  });
  const killIfSilent = (error: unknown): never => {
    if (isSilent(error)) {
      silent = true;
      worker.process.kill('SIGKILL');
    }
    throw error;
  };
  const ready = conversation.expect('ready', startWithinMs).then(() => {
    if (state === 'starting') state = 'ready';
  }, killIfSilent);
  // Whoever waits is told; where nobody waits any more there is nothing to do.
  ready.catch(() => undefined);

  const self: AnsweringProcess = {
    writer,
    pid,
    state: () => state,
    leaving: () => leaving,
    ready,
    ended,
    begin: (endpoints) => conversation.send({ type: 'start', endpoints, writer, httpPort, grpcPort }),
    async prepare(change, endpoint) {
      conversation.send({ type: 'prepare', change, endpoint });
      const answer = await conversation.expect(`prepared ${change}`, answerWithinMs);
      if (answer.type === 'prepared' && answer.failure !== null) throw thrown(answer.failure);
    },
    async apply(change) {
      conversation.send({ type: 'apply', change });
      await conversation.expect(`applied ${change}`, answerWithinMs);
    },
    async report() {
      const ask = conversation.number();
      conversation.send({ type: 'report', ask });
      const answer = await conversation.expect(`report ${ask}`, answerWithinMs).catch(killIfSilent);
      if (answer.type !== 'report') throw endedBefore(pid, 'another answer than a report');
      return answer;
    },
    lastReport: conversation.lastReport,
    send: conversation.send,
    async drain({ atMostMs, idleGraceMs }) {
      leaving = true;
      if (state !== 'ended') state = 'draining';
      conversation.send({ type: 'drain', idleGraceMs });
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), atMostMs);
      const ending = await ended;
      clearTimeout(timer);
      return ending;
    },
    kill: () => void worker.process.kill('SIGKILL'),
  };
  return self;
}

/**
 * Resolves when a process is gone and all that it said was read: its exit may be seen before its last words. Node does not always tell of the end
 * of the channel (not where a connection was being handed over), so that it is waited for a moment only.
 */
async function untilGone(worker: Worker): Promise<Pick<Ending, 'code' | 'signal'>> {
  const disconnected = new Promise<void>((resolve) => worker.once('disconnect', () => resolve()));
  const how = await new Promise<Pick<Ending, 'code' | 'signal'>>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }));
  });
  if (!worker.isConnected()) return how;
  await Promise.race([disconnected, wait(lastWordsAtMostMs, undefined, { ref: false })]);
  // Where this process was held up that long, what came meanwhile is read now.
  await nextTurn();
  return how;
}

/** Questions to a process and its answers, matched by their kind and number. */
function converse(worker: Worker, onMessage: (message: Extract<FromAnswering, { type: Told }>) => void) {
  const open = new Map<string, Awaited>();
  let ended: CodedError | null = null;
  /** Kept until the process says that it takes messages; null from then on. */
  let early: ToAnswering[] | null = [];
  let asked = 0;
  let lastReport: AnsweringReport | null = null;
  const settle = (key: string, how: (waiting: Awaited) => void): void => {
    const waiting = open.get(key);
    if (waiting === undefined) return;
    open.delete(key);
    clearTimeout(waiting.timer);
    how(waiting);
  };
  const send = (message: ToAnswering): void => {
    if (early !== null) early.push(message);
    else if (worker.isConnected()) worker.send(message, () => undefined);
  };
  worker.on('message', (message: FromAnswering) => {
    if (message.type === 'hello') {
      const waiting = early ?? [];
      early = null;
      for (const each of waiting) send(each);
      return;
    }
    if (message.type === 'report') lastReport = message;
    if (message.type === 'ask' || message.type === 'asked' || message.type === 'report') onMessage(message);
    if (message.type === 'ask' || message.type === 'asked') return;
    if (message.type === 'failed') settle('ready', (waiting) => waiting.reject(thrown(message.failure)));
    else settle(keyOf(message), (waiting) => waiting.resolve(message));
  });
  // A channel that breaks belongs to a process that ends: `exit` follows.
  worker.on('error', () => undefined);
  return {
    lastReport: () => lastReport,
    number: () => (asked += 1),
    send,
    expect(key: string, withinMs: number): Promise<FromAnswering> {
      return new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended);
        const timer = setTimeout(() => {
          setTimeout(() => {
            settle(key, (waiting) => waiting.reject(silentFor(withinMs, worker.process.pid, key)));
          }, readWithinMs).unref();
        }, withinMs);
        open.set(key, { resolve, reject, timer: timer.unref() });
      });
    },
    end(why: CodedError): void {
      ended = why;
      for (const key of open.keys()) settle(key, (waiting) => waiting.reject(why));
    },
  };
}

function keyOf(message: Exclude<FromAnswering, { type: 'hello' | 'ask' | 'asked' | 'failed' }>): string {
  switch (message.type) {
    case 'ready':
      return 'ready';
    case 'prepared':
    case 'applied':
      return `${message.type} ${message.change}`;
    case 'report':
      return `report ${message.ask}`;
    default:
      return message satisfies never;
  }
}

function thrown(failure: CodedFailure): CodedError {
  return new CodedError(failure.code, failure.message, { details: failure.details });
}

function endedBefore(pid: number, how: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `Answering process ${pid} ended (${how}) before it answered. It is started again; look at the server's log.`,
    { details: { ended: true } },
  );
}

function silentFor(ms: number, pid: number | undefined, what: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `Answering process ${String(pid)} did not answer '${what}' within ${ms / 1_000} seconds. Look at the server's log.`,
    { details: { silent: true } },
  );
}

const isSilent = (error: unknown): boolean => error instanceof CodedError && error.details['silent'] === true;
