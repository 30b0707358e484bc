import type { CodedFailure } from '../domain/failure.ts';
import type { WorkerProcessOptions } from './run-worker.ts';
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../domain/errors.ts';

/**
 * As the worker process itself takes them; capsules are locked for one day unless `retainDays` says otherwise, and packages by the home
 * folder's own key are trusted unless `trustedKeys` names others.
 */
export type StartWorkerOptions = Omit<WorkerProcessOptions, 'retainDays' | 'trustedKeys'> &
  Partial<Pick<WorkerProcessOptions, 'retainDays' | 'trustedKeys'>>;

/** A worker process; `exited` settles with its exit code, null after a signal. */
export type WorkerProcess = { readonly pid: number; readonly exited: Promise<number | null>; stop(): Promise<void> };

type Message =
  { readonly type: 'ready'; readonly pid: number } | { readonly type: 'failed'; readonly failure: CodedFailure };

/** How long a stopping worker may finish its steps; what it does not finish, another worker does. */
const patienceMs = 15_000;

/**
 * Starts a worker as a child process and waits until it polls. Its words go to `logs/worker.log` under the home folder.
 *
 * @throws CodedError the child's own, or ACTIVITY_FAILED when it ends without a word.
 */
export async function startWorker(options: StartWorkerOptions): Promise<WorkerProcess> {
  const child = forkWorker(options);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await ready(child, options);
  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function forkWorker(options: StartWorkerOptions): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const script = fileURLToPath(new URL(fromSource ? '../dist/workers/main.js' : './main.js', import.meta.url));
  const logs = join(options.homeFolder, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, 'worker.log'), 'a');
  const child = fork(script, [], {
    env: { ...process.env, PERDURA_WORKER_OPTIONS: JSON.stringify({ retainDays: 1, trustedKeys: null, ...options }) },
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return child;
}

function ready(child: ChildProcess, options: StartWorkerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Message) => {
      child.off('exit', onExit);
      if (message.type === 'ready') resolve();
      else reject(new CodedError(message.failure.code, message.failure.message, { details: message.failure.details }));
    };
    const onExit = (code: number | null) => {
      child.off('message', onMessage);
      reject(
        new CodedError(
          'ACTIVITY_FAILED',
          `The worker ended with ${code ?? 'a signal'} before it was ready. Read ${join(options.homeFolder, 'logs', 'worker.log')}.`,
        ),
      );
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}
