import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { freshBucket, type TestS3 } from '../support/test-s3.ts';
import { until } from './harness.ts';

/** A versitygw that can go away and come back with the same port, keys and objects. */
export type RestartableS3 = TestS3 & { down(): Promise<void>; up(): Promise<void> };

export async function restartableS3(): Promise<RestartableS3> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-serving-s3-'));
  const [data, versions] = [join(folder, 'data'), join(folder, 'versions')];
  await Promise.all([mkdir(data), mkdir(versions)]);
  const address = `127.0.0.1:${await freePort()}`;
  const keys = { accessKeyId: 'perdura', secretAccessKey: randomUUID() };
  const s3 = { endpoint: `http://${address}`, region: 'us-east-1', bucket: freshBucket(), ...keys };
  const env = { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey };
  let server: ChildProcess | null = null;
  const up = async (): Promise<void> => {
    // One action at a time: only so are its conditional writes atomic.
    const posix = ['posix', '--concurrency', '1', '--versioning-dir', versions, data];
    const command = ['--port', address, '--keep-alive', '--quiet', ...posix];
    const started = spawn(program(), command, { stdio: 'ignore', env });
    server = started;
    await until('versitygw answers', async () => {
      if (started.exitCode !== null) throw new Error(`versitygw ended with ${started.exitCode} on ${address}.`);
      return (await fetch(s3.endpoint).catch(() => null)) !== null;
    });
  };
  const down = async (): Promise<void> => {
    const running = server;
    if (running === null) return;
    server = null;
    const exited = new Promise((done) => running.once('exit', done));
    running.kill('SIGKILL');
    await exited;
  };
  await up();
  return {
    s3,
    up,
    down,
    async stop() {
      await down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function program(): string {
  const cache = process.env['PERDURA_CACHE'] ?? join(homedir(), '.cache', 'perdura');
  return process.env['PERDURA_S3_BINARY'] ?? join(cache, 'versitygw', 'v1.7.0', 'versitygw');
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port.');
  return address.port;
}
