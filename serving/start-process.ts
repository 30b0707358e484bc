import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceAddresses } from '../domain/config.ts';
import { type Duration, durationMs } from '../domain/duration.ts';
import { CodedError } from '../domain/errors.ts';
import type { ServingMessage } from './main.ts';
import type { ServingConfig } from './serving-config.ts';

/** A model server in a process of its own. */
export type ModelServerProcess = {
  readonly url: string;
  readonly pid: number;
  /** Drains it; kills it when that takes too long. */
  stop(): Promise<void>;
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
};

export type ModelServerOptions = {
  readonly s3: ServiceAddresses['s3'];
  readonly homeFolder: string;
  /** Null takes a free one. */
  readonly port: number | null;
  readonly replica: string;
  /** How long an answered row may wait before it is brought to the bucket; 2 seconds unless given. */
  readonly flushEvery?: Duration;
  /** More requests at a time are answered 429; 512 unless given. */
  readonly maxInFlight?: number;
  /** `redis://…` or `rediss://…`; null, and unless given: the folder `online` of the home folder. */
  readonly onlineStore?: string | null;
  /** PEM files of public keys, or folders of them, whose packages are served; null, and unless given: the home folder's own key. */
  readonly trustedKeys?: readonly string[] | null;
};

const entry = new URL(import.meta.url.endsWith('.ts') ? '../dist/serving/main.js' : './main.js', import.meta.url);
const stopAtMostMs = durationMs('25 seconds');

/**
 * Forks a model server and waits until it answers. It writes to `logs/serving-<replica>.log` in the home folder and ends with this process,
 * however this one ends.
 *
 * @throws CodedError what the server failed with: PORT_IN_USE, CONFLICT, CONFIG_INVALID.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServerProcess> {
  const { flushEvery = '2 seconds', maxInFlight = 512, onlineStore = null, trustedKeys = null, ...given } = options;
  const { homeFolder, replica } = given;
  const config: ServingConfig = {
    ...given,
    maxInFlight,
    onlineStore,
    trustedKeys,
    flushEveryMs: durationMs(flushEvery),
  };
  const logFile = join(homeFolder, 'logs', `serving-${replica}.log`);
  mkdirSync(join(homeFolder, 'logs'), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = fork(fileURLToPath(entry), [], {
    env: { ...process.env, PERDURA_SERVING_CONFIG: JSON.stringify(config) },
    // Flags of this process (a test runner's, a debugger's) are not for the server.
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = await whenReady(child, logFile);
  return { url, pid: child.pid ?? -1, exited, stop: () => stop(child, exited) };
}

function whenReady(child: ChildProcess, logFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const how = signal === null ? `code ${String(code)}` : signal;
      reject(
        new CodedError('SERVICE_UNAVAILABLE', `The model server ended (${how}) before it answered. Read ${logFile}.`),
      );
    });
    child.once('message', (message: ServingMessage) => {
      if (message.type === 'ready') return resolve(message.url);
      const { code, message: text, details } = message.failure;
      reject(new CodedError(code, text, { details }));
    });
  });
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopAtMostMs);
  await exited;
  clearTimeout(timer);
}
