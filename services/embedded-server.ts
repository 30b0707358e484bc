import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Duration, durationMs } from '../domain/duration.ts';
import { CodedError } from '../domain/errors.ts';
import { diskFull, saysDiskFull } from './disk.ts';
import type { Keeper, KeptServer } from './kept-servers.ts';
import { tryLock } from './lock.ts';
import { isAlive, type ProcessIdentity, signalProcess } from './process-identity.ts';
import type { ProbeResult } from './probe.ts';

/** What there is to know to run one embedded server. */
export type EmbeddedSpec = {
  readonly name: 'temporal' | 'versitygw';
  /** For messages. */
  readonly title: string;
  readonly homeFolder: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Null as soon as it serves. */
  probe(): Promise<ProbeResult>;
};

/** A server that serves. */
export type EmbeddedServer = KeptServer & {
  /** Resolves when it ends without having been asked to. */
  readonly failure: Promise<CodedError>;
};

const readyWithin: Duration = '90 seconds';
const pollEvery: Duration = '50 ms';
const largestLog = 10 * 1_048_576;
const tail = 8_192;

/**
 * Starts a server under a keeper and waits until it serves.
 *
 * @throws CodedError PORT_IN_USE, DISK_FULL or SERVICE_UNAVAILABLE, by what the server said last in its log.
 */
export async function startEmbedded(
  keeper: Keeper,
  spec: EmbeddedSpec,
  onStarted: (own: ProcessIdentity) => void,
): Promise<EmbeddedServer> {
  const logFile = openLog(spec);
  const from = sizeOf(logFile);
  const { name, command, environment } = spec;
  const server = await keeper.start({ name, command, environment, logFile }).catch((error: unknown) => {
    throw new CodedError('SERVICE_UNAVAILABLE', `${spec.title} does not start: ${String(error)}.`, { cause: error });
  });
  onStarted(server.process);
  let ended: string | null = null;
  let wanted = false;
  void server.exited.then((how) => {
    ended = how;
  });
  const end = Date.now() + durationMs(readyWithin);
  let problem = await spec.probe();
  while (problem !== null && ended === null && Date.now() < end) {
    await delay(durationMs(pollEvery));
    problem = await spec.probe();
  }
  // Ended, yet something answers: that is another program on its port.
  if (ended !== null) throw explain(spec, `ended with ${String(ended)}`, { logFile, from });
  if (problem !== null) {
    await server.kill();
    throw explain(spec, `${problem}, ${readyWithin} after its start`, { logFile, from });
  }
  return {
    ...server,
    stop() {
      wanted = true;
      return server.stop();
    },
    kill() {
      wanted = true;
      return server.kill();
    },
    failure: server.exited.then((how) =>
      wanted ? new Promise<never>(() => undefined) : explain(spec, `ended unexpectedly with ${how}`, { logFile, from }),
    ),
  };
}

/**
 * Claims the state of one server for this process.
 *
 * @throws CodedError CONFLICT naming the process that has it.
 */
export function claimState(homeFolder: string, name: EmbeddedSpec['name'], title: string): { release(): void } {
  const taken = tryLock(path.join(homeFolder, `${name}.lock`));
  if ('lock' in taken) return taken.lock;
  throw new CodedError(
    'CONFLICT',
    `${title} of ${homeFolder} already runs, started by process ${taken.holder.pid}. Use that one, or end that process first; PERDURA_HOME names another folder.`,
    { details: { pid: taken.holder.pid } },
  );
}

/** Ends a server that outlived its parent: two of them on the same state would destroy it. */
export async function endLeftover(server: ProcessIdentity): Promise<void> {
  for (const [signal, patience] of [
    ['SIGTERM', '10 seconds'],
    ['SIGKILL', '3 seconds'],
  ] as const) {
    signalProcess(server, signal);
    const end = Date.now() + durationMs(patience);
    while (isAlive(server) && Date.now() < end) await delay(20);
  }
}

/** The environment of a server: what every program needs, and nothing that could change its settings behind our back. */
export function leanEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG'];
  return Object.fromEntries(
    kept.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}

function openLog(spec: EmbeddedSpec): string {
  const folder = path.join(spec.homeFolder, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${spec.name}.log`);
  if (sizeOf(file) > largestLog) renameSync(file, `${file}.1`);
  return file;
}

function explain(spec: EmbeddedSpec, what: string, log: { logFile: string; from: number }): CodedError {
  const said = lastWords(log);
  if (saysDiskFull(said)) return diskFull(spec.homeFolder, 'PERDURA_HOME', `${spec.title} could not write`);
  const line = said
    .split('\n')
    .findLast((text) => text.trim() !== '')
    ?.trim()
    .slice(0, 300);
  const words = line === undefined ? '' : ` Its last words: ${line}.`;
  const code = /address already in use|bind: /i.test(said) ? 'PORT_IN_USE' : 'SERVICE_UNAVAILABLE';
  return new CodedError(code, `${spec.title} ${what}.${words} Look into ${log.logFile} and start it again.`, {
    details: { logFile: log.logFile },
  });
}

function lastWords(log: { logFile: string; from: number }): string {
  const size = sizeOf(log.logFile);
  const start = Math.max(log.from, size - tail);
  if (size <= start) return '';
  const buffer = Buffer.alloc(size - start);
  const file = openSync(log.logFile, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, start);
  } finally {
    closeSync(file);
  }
  return buffer.toString('utf8');
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
