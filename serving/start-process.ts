import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceAddresses } from '../domain/config.ts';
import { type Duration, durationMs } from '../domain/duration.ts';
import { CodedError } from '../domain/errors.ts';
import { orDiskFull } from '../stores/local-files.ts';
import type { ServingMessage } from './main.ts';
import type { ServingConfig } from './serving-config.ts';

/** A model server in a process of its own. */
export type ModelServerProcess = {
  /** Of the REST interface. */
  readonly url: string;
  /** Of the gRPC interface, `host:port`. */
  readonly grpcUrl: string;
  /** Of metrics, readiness and the push hint. */
  readonly adminUrl: string;
  /** Of its control process. */
  readonly pid: number;
  /** Process ids of those that answer at this moment. */
  answering(): readonly number[];
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
  /** The address that REST and gRPC listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** As `port`. */
  readonly grpcPort?: number | null;
  readonly adminPort?: number | null;
  /**
   * How many processes answer; one a core, at least 2 and at most 8, unless given. With one, connections are refused while it is started
   * again after a crash.
   */
  readonly processes?: number;
  readonly tls?: ServingConfig['tls'];
  /** What an hour of this machine costs; null, and unless given: the log prices nothing. */
  readonly pricePerHour?: number | null;
  /** How long an answered row may wait before it is brought to the bucket; 2 seconds unless given. */
  readonly flushEvery?: Duration;
  /** More requests at a time, a process, are answered 429; 512 unless given. */
  readonly maxInFlight?: number;
  /** A request that is larger is refused; 16 MiB unless given. */
  readonly bodyLimitBytes?: number;
  /** How long after a process was killed its clients may repeat their requests; 10 seconds unless given. */
  readonly retryWindow?: Duration;
  /** Packages that a process loads before another takes its place; 20 unless given. */
  readonly recycleAfterLoads?: number;
  /** A package that needs more memory does not come into force; half of the machine's unless given. */
  readonly modelMemoryLimitBytes?: number;
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
 * @throws CodedError what the server failed with: PORT_IN_USE, CONFLICT, CONFIG_INVALID, DISK_FULL.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServerProcess> {
  const { homeFolder, replica } = options;
  const logFile = join(homeFolder, 'logs', `serving-${replica}.log`);
  const log = openLog(homeFolder, logFile);
  const child = fork(fileURLToPath(entry), [], {
    env: { ...process.env, PERDURA_SERVING_CONFIG: JSON.stringify(toConfig(options)) },
    // Flags of this process (a test runner's, a debugger's) are not for the server.
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let answering: readonly number[] = [];
  child.on('message', (message: ServingMessage) => {
    if (message.type === 'answering') answering = message.pids;
  });
  const { url, grpcUrl, adminUrl } = await whenReady(child, logFile);
  return {
    url,
    grpcUrl,
    adminUrl,
    pid: child.pid ?? -1,
    answering: () => answering,
    exited,
    stop: () => stop(child, exited),
  };
}

/** @throws CodedError DISK_FULL; CONFIG_INVALID for a home folder that may not be written. */
function openLog(homeFolder: string, logFile: string): number {
  try {
    mkdirSync(join(homeFolder, 'logs'), { recursive: true });
    return openSync(logFile, 'a');
  } catch (error) {
    const full = orDiskFull(error, logFile);
    if (full !== error) throw full;
    throw new CodedError(
      'CONFIG_INVALID',
      `The model server cannot write to its home folder ${homeFolder} (${(error as Error).message}). Give it the right to, or set PERDURA_HOME to another folder.`,
      { cause: error },
    );
  }
}

function toConfig(options: ModelServerOptions): ServingConfig {
  const { flushEvery = '2 seconds', retryWindow = '10 seconds', ...given } = options;
  return {
    host: '127.0.0.1',
    grpcPort: null,
    adminPort: null,
    processes: Math.max(2, Math.min(8, availableParallelism())),
    tls: null,
    pricePerHour: null,
    maxInFlight: 512,
    bodyLimitBytes: 16 * 1024 * 1024,
    recycleAfterLoads: 20,
    modelMemoryLimitBytes: Math.floor(totalmem() / 2),
    onlineStore: null,
    trustedKeys: null,
    ...given,
    flushEveryMs: durationMs(flushEvery),
    retryWindowMs: durationMs(retryWindow),
  };
}

type Ready = Extract<ServingMessage, { type: 'ready' }>;

function whenReady(child: ChildProcess, logFile: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const how = signal === null ? `code ${String(code)}` : signal;
      reject(
        new CodedError('SERVICE_UNAVAILABLE', `The model server ended (${how}) before it answered. Read ${logFile}.`),
      );
    });
    child.on('message', (message: ServingMessage) => {
      if (message.type === 'ready') return resolve(message);
      if (message.type === 'answering') return;
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
