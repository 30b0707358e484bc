import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Redis } from 'ioredis';

import { until } from './embedded.ts';

/** A real server of one test file that can go away and come back with the same port, password and data. */
export type RedisServer = {
  readonly url: string;
  /** `FLUSHALL` and the like. */
  command(...words: readonly [string, ...string[]]): Promise<unknown>;
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
};

const installAtMostMs = 120_000;
const run = promisify(execFile);

/** The program redis-server or valkey-server: of the PATH, else of the distribution's packages where we may install; else why there is none. */
export async function redisProgram(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const found = await onPath();
  if (found !== null) return { path: found };
  if (process.getuid?.() !== 0) return { missing: 'no redis-server on the PATH, and only root may install it' };
  return install(Date.now() + installAtMostMs);
}

/** Several test files may want it at once, and apt lets one in: the others try again until it is there or time is up. */
async function install(deadline: number): Promise<{ readonly path: string } | { readonly missing: string }> {
  for (;;) {
    const failure = await installOnce();
    const installed = await onPath();
    if (installed !== null) return { path: installed };
    if (Date.now() > deadline) return { missing: `apt-get installs no redis-server: ${failure}` };
    await pause(1_000);
  }
}

/** A new machine has no lists of packages yet. Gives why it failed, empty when it did not. */
async function installOnce(): Promise<string> {
  const options = { timeout: installAtMostMs };
  const words = ['install', '-y', '--no-install-recommends', 'redis-server'];
  try {
    await run('apt-get', words, options).catch(async () => {
      await run('apt-get', ['update'], options);
      await run('apt-get', words, options);
    });
    return '';
  } catch (error) {
    return (error as Error).message.split('\n')[0] ?? '';
  }
}

/** Starts one that syncs each write to its file before it answers. */
export async function startRedis(program: string): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-redis-'));
  const [port, password] = [await freePort(), randomUUID()];
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const words = `--port ${port} --bind 127.0.0.1 --requirepass ${password} --save  --appendonly yes --appendfsync always --dir ${folder}`;
  let child: ChildProcess | null = null;
  const up = async (): Promise<void> => {
    child = spawn(program, words.split(' '), { stdio: 'ignore' });
    await until('redis-server answers', () =>
      command('PING').then(
        () => true,
        () => false,
      ),
    );
  };
  const command: RedisServer['command'] = async (name, ...words) => {
    const client = new Redis(url, { lazyConnect: true, disconnectTimeout: 100, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...words);
    } finally {
      client.disconnect();
    }
  };
  const down = async (): Promise<void> => {
    const running = child;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  };
  await up();
  return {
    url,
    command,
    down,
    up,
    async stop() {
      await down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function onPath(): Promise<string | null> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (
        await access(path).then(
          () => true,
          () => false,
        )
      )
        return path;
    }
  }
  return null;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
