import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { childEnvironment } from '../child-environment.ts';
import type { AnsweringReport } from '../messages.ts';
import type { FromHost, HostConfig, ShadowConfig, ToHost } from './host-messages.ts';

/** A host's process, started again whenever it ends by itself. */
export type SupervisedHost = {
  readonly socket: string;
  pid(): number | null;
  /** Nothing happens while the process is away: it is started with what is in force then. */
  tell(message: ToHost): void;
  report(): Promise<AnsweringReport>;
  close(): Promise<void>;
};

export type SupervisedHostOptions = {
  readonly prepared: HostConfig['prepared'];
  /** Asked anew for each process; null for a live package. */
  readonly shadow: (() => ShadowConfig) | null;
  /** Brings the package back that vanished from the disk; asked when a process ended at once. Does not reject. */
  readonly restore: (reference: ModelReference) => Promise<void>;
  readonly report: (line: string) => void;
  readonly onReport: (pid: number, report: AnsweringReport) => void;
  readonly onWriterEnded: (writer: string, how: 'clean' | 'killed') => void;
};

/** One process of a host. */
type Spawned = {
  readonly child: ChildProcess;
  readonly writer: string | null;
  readonly ready: Promise<void>;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
};

const entry = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/serving/hosting/main.js' : './main.js',
  import.meta.url,
);
const readyAtMostMs = 60_000;
const reportAtMostMs = 5_000;
const silentAtMostMs = 30_000;
/** A report that came while this process itself was held up is read before it counts as missing. */
const readWithinMs = 100;
const closeAtMostMs = 15_000;
/** Pauses before a host that keeps ending at once is started again. */
const pausesMs = [0, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000] as const;
/** One that lived this long starts the pauses from the beginning. */
const soundAfterMs = 5_000;

/**
 * Starts a host's process and waits until it is ready.
 *
 * @throws CodedError why its package does not load; SERVICE_UNAVAILABLE when it ends or is silent.
 */
export async function superviseHost(options: SupervisedHostOptions): Promise<SupervisedHost> {
  const asks = createAsks();
  let current: Spawned | null = null;
  let closing: Promise<void> | null = null;
  let pause: NodeJS.Timeout | null = null;
  let failures = 0;
  let started = false;
  /** When it said something last; for ever while it loads, which is bounded by itself. */
  let heardAt = Number.POSITIVE_INFINITY;
  const { socket } = options.prepared;

  const start = async (): Promise<void> => {
    const startedAt = performance.now();
    heardAt = Number.POSITIVE_INFINITY;
    const spawned = spawn(options, (message) => {
      heardAt = performance.now();
      asks.settle(message);
    });
    current = spawned;
    void spawned.ended.then((how) => {
      current = null;
      asks.failAll(how);
      if (closing !== null || !started) return;
      if (performance.now() - startedAt >= soundAfterMs) failures = 0;
      again(how);
    });
    await spawned.ready;
    heardAt = performance.now();
  };
  /** One that does not report any more does not answer either: it is ended, and started again as one that died. */
  const report = async (): Promise<AnsweringReport> => {
    try {
      return await asks.ask(current?.child ?? null, nameOf(options));
    } catch (error) {
      if (performance.now() - heardAt > silentAtMostMs) current?.child.kill('SIGKILL');
      throw error;
    }
  };
  const again = (how: string): void => {
    const afterMs = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0;
    failures += 1;
    options.report(`The host of ${nameOf(options)} ended (${how}) and is started again.`);
    pause = setTimeout(() => void startAgain(), afterMs);
  };
  const startAgain = async (): Promise<void> => {
    if (failures > 1) await options.restore(options.prepared.reference);
    // The reason is in the line that its end writes.
    if (closing === null) await start().catch(() => undefined);
  };
  const close = async (): Promise<void> => {
    if (pause !== null) clearTimeout(pause);
    if (current !== null) await end(current);
    await rm(socket, { force: true });
  };
  try {
    await start();
    started = true;
  } catch (error) {
    closing = close();
    await closing;
    throw error;
  }
  return {
    socket,
    pid: () => current?.child.pid ?? null,
    tell: (message) => void (current?.child.connected === true && current.child.send(message, () => undefined)),
    report,
    close: () => (closing ??= close()),
  };
}

function spawn(
  options: SupervisedHostOptions,
  settle: (message: Extract<FromHost, { type: 'report' }>) => void,
): Spawned {
  const config: HostConfig = { prepared: options.prepared, shadow: options.shadow?.() ?? null };
  const writer = config.shadow?.log.writer ?? null;
  const child = fork(fileURLToPath(entry), [], {
    env: childEnvironment({ PERDURA_HOST_CONFIG: JSON.stringify(config) }),
    // Flags of this process (a test runner's, a debugger's) are not for the host.
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ready = new Promise<void>((resolve, reject) => {
    const silent = setTimeout(() => child.kill('SIGKILL'), readyAtMostMs);
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(silent);
      reject(unavailable(nameOf(options), 'its process ended before it was ready'));
    });
    child.on('message', (message: FromHost) => {
      if (message.type === 'report') {
        options.onReport(child.pid ?? -1, message);
        return settle(message);
      }
      clearTimeout(silent);
      if (message.type === 'ready') return resolve();
      const { code, message: text, details } = message.failure;
      reject(new CodedError(code, text, { details }));
    });
  });
  const ended = new Promise<string>((resolve) => {
    // A child that could not be started has no exit.
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      if (writer !== null) options.onWriterEnded(writer, code === 0 ? 'clean' : 'killed');
      resolve(signal ?? `code ${String(code)}`);
    });
  });
  return { child, writer, ready, ended };
}

async function end({ child, ended }: Spawned): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), closeAtMostMs);
  if (child.connected) child.send({ type: 'end' } satisfies ToHost, () => undefined);
  await ended;
  clearTimeout(timer);
}

/** Reports that were asked for and did not come yet. */
function createAsks() {
  const open = new Map<
    number,
    { readonly resolve: (report: AnsweringReport) => void; readonly reject: (error: unknown) => void }
  >();
  let last = 0;
  return {
    ask(child: ChildProcess | null, name: string): Promise<AnsweringReport> {
      if (child?.connected !== true) return Promise.reject(unavailable(name, 'it is being started'));
      const ask = (last += 1);
      return new Promise<AnsweringReport>((resolve, reject) => {
        let timer = setTimeout(() => {
          timer = setTimeout(() => open.get(ask)?.reject(unavailable(name, 'it does not report')), readWithinMs);
        }, reportAtMostMs);
        const settle = <T>(done: (value: T) => void) => {
          return (value: T): void => {
            clearTimeout(timer);
            open.delete(ask);
            done(value);
          };
        };
        open.set(ask, { resolve: settle(resolve), reject: settle(reject) });
        child.send({ type: 'report', ask } satisfies ToHost, () => undefined);
      });
    },
    settle(message: Extract<FromHost, { type: 'report' }>): void {
      open.get(message.ask)?.resolve(message);
    },
    failAll(how: string): void {
      for (const { reject } of open.values()) reject(unavailable('a model', `it ended (${how})`));
    },
  };
}

function nameOf({ prepared: { reference } }: SupervisedHostOptions): string {
  return `${reference.model} version ${reference.modelVersion}`;
}

function unavailable(name: string, why: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The host of ${name} does not answer: ${why}. Look at the model server's log.`,
  );
}
