import { type ChildProcess, fork } from 'node:child_process';
import { CodedError } from '../domain/errors.ts';
import type { KeeperReport, KeeperRequest, ServerCommand } from './keeper-messages.ts';
import { identify, type ProcessIdentity, signalProcess } from './process-identity.ts';

/** A server under a keeper. */
export type KeptServer = {
  readonly process: ProcessIdentity;
  /** How it ended, for a person; whether it was asked to or not. */
  readonly exited: Promise<string>;
  /** SIGTERM, and after some seconds SIGKILL. */
  stop(): Promise<void>;
  /** SIGKILL at once, as a crash would be. */
  kill(): Promise<void>;
};

/** A keeper process and its servers. It owns a process: close it. */
export type Keeper = {
  readonly pid: number;
  /** Starts a program; names are unique among those that run. */
  start(server: ServerCommand): Promise<KeptServer>;
  /** Ends all servers in order, then the keeper itself. */
  close(): Promise<void>;
};

const graceMs = 8_000;
const keeperFile = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/services/keeper.js' : './keeper.js',
  import.meta.url,
);

/** The keeper as this side sees it; `holders` counts the answers that are awaited. */
type Channel = {
  readonly child: ChildProcess;
  readonly watchers: Map<string, (report: ServerReport) => void>;
  holders: number;
};
type ServerReport = Exclude<KeeperReport, { type: 'ready' }> | { readonly type: 'abandoned' };

/**
 * Starts a keeper: a small process that owns the servers and ends them when this process is gone. It does not keep this process alive.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the keeper does not start.
 */
export async function openKeeper(environment: NodeJS.ProcessEnv): Promise<Keeper> {
  const child = fork(keeperFile, [], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    // Nothing else: NODE_OPTIONS of the parent (an inspector, a loader) are not for the keeper.
    env: { PATH: environment['PATH'] },
  });
  const channel: Channel = { child, watchers: new Map(), holders: 0 };
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void gone.then(() => {
    for (const watcher of channel.watchers.values()) watcher({ type: 'abandoned' });
  });
  await holding(channel, () => readiness(channel));
  return {
    pid: child.pid ?? 0,
    start: (server) => holding(channel, () => startServer(channel, server)),
    close: () =>
      holding(channel, async () => {
        if (child.connected) child.disconnect();
        await gone;
      }),
  };
}

async function readiness(channel: Channel): Promise<void> {
  const { child } = channel;
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
      child.on('message', (message: KeeperReport) => {
        if (message.type === 'ready') resolve();
        else channel.watchers.get(message.name)?.(message);
      });
    });
  } catch (error) {
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `The keeper of the embedded servers does not start: ${error instanceof Error ? error.message : String(error)}. Install perdura again.`,
      { cause: error },
    );
  }
}

async function startServer(channel: Channel, server: ServerCommand): Promise<KeptServer> {
  let onExit: (how: string) => void = () => undefined;
  const exited = new Promise<string>((resolve) => {
    onExit = resolve;
  });
  const own = await new Promise<ProcessIdentity>((resolve, reject) => {
    if (!channel.child.connected) {
      reject(new Error('its keeper was ended'));
      return;
    }
    let known: ProcessIdentity | null = null;
    channel.watchers.set(server.name, (report) => {
      if (report.type === 'started') {
        known = identify(report.pid) ?? { pid: report.pid, started: null };
        resolve(known);
        return;
      }
      channel.watchers.delete(server.name);
      if (report.type === 'refused') reject(new Error(report.reason));
      if (report.type === 'exited') onExit(report.how);
      if (report.type !== 'abandoned') return;
      // Where no death signal binds a server to its keeper it outlives it: then it is ended from here.
      if (known !== null) signalProcess(known, 'SIGKILL');
      reject(new Error('its keeper was ended'));
      onExit('the end of its keeper');
    });
    send(channel, { type: 'start', server });
  });
  return {
    process: own,
    exited,
    stop: () => holding(channel, () => endServer(channel, server.name, exited)),
    kill: () =>
      holding(channel, async () => {
        send(channel, { type: 'end', name: server.name, signal: 'SIGKILL' });
        await exited;
      }),
  };
}

async function endServer(channel: Channel, name: string, exited: Promise<string>): Promise<void> {
  send(channel, { type: 'end', name, signal: 'SIGTERM' });
  const timer = setTimeout(() => send(channel, { type: 'end', name, signal: 'SIGKILL' }), graceMs);
  await exited;
  clearTimeout(timer);
}

function send(channel: Channel, request: KeeperRequest): void {
  // A closed channel needs no answer here: the keeper's exit tells every watcher.
  if (channel.child.connected) channel.child.send(request, () => undefined);
}

/** While an answer is awaited the keeper holds this process alive; otherwise it must not. */
async function holding<T>(channel: Channel, work: () => Promise<T>): Promise<T> {
  const { child } = channel;
  channel.holders += 1;
  child.ref();
  child.channel?.ref();
  try {
    return await work();
  } finally {
    channel.holders -= 1;
    if (channel.holders === 0) {
      child.unref();
      child.channel?.unref();
    }
  }
}
