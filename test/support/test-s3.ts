import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import type { ServiceAddresses } from '../../domain/config.ts';
import { realS3Program } from './embedded.ts';

/** An S3 for one test file, with a bucket name of its own (not created yet). */
export type TestS3 = { readonly s3: ServiceAddresses['s3']; stop(): Promise<void> };

const deadlineMs = 20_000;

/** The S3 that the test run shares (PERDURA_TEST_SERVICES), else a versitygw of this test file alone. */
export async function withTestS3(): Promise<TestS3> {
  const shared = process.env['PERDURA_TEST_SERVICES'];
  if (shared === undefined) return startTestS3({ versioning: true });
  const { s3 } = JSON.parse(shared) as ServiceAddresses;
  return { s3: { ...s3, bucket: freshBucket() }, stop: async () => undefined };
}

/**
 * Starts a versitygw of its own, with or without a folder for versions. With one action at a time its conditional writes are
 * atomic; with more (its default is 5000) it checks a condition first and writes later, without a lock.
 */
export async function startTestS3(options: {
  readonly versioning: boolean;
  readonly concurrency?: number;
}): Promise<TestS3> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-test-s3-'));
  const [data, versions] = [join(folder, 'data'), join(folder, 'versions')];
  await Promise.all([mkdir(data), mkdir(versions)]);
  const address = `127.0.0.1:${await freePort()}`;
  const keys = { accessKeyId: 'perdura', secretAccessKey: randomUUID() };
  const server = spawn(
    await realS3Program(),
    [
      '--port',
      address,
      '--keep-alive',
      '--quiet',
      'posix',
      '--concurrency',
      String(options.concurrency ?? 1),
      ...(options.versioning ? ['--versioning-dir', versions] : []),
      data,
    ],
    { stdio: 'ignore', env: { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey } },
  );
  const s3 = { endpoint: `http://${address}`, region: 'us-east-1', bucket: freshBucket(), ...keys };
  await untilAnswering(s3.endpoint, server);
  return { s3, stop: () => stop(server, folder) };
}

/** A bucket name that no other test uses. */
export function freshBucket(): string {
  return `perdura-test-${randomUUID().slice(0, 12)}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port.');
  return address.port;
}

async function untilAnswering(endpoint: string, server: ChildProcess): Promise<void> {
  const failed = new Promise<never>((_, reject) => server.once('error', reject));
  const answering = async () => {
    for (const end = Date.now() + deadlineMs; Date.now() < end; await wait(20)) {
      if (server.exitCode !== null) throw new Error(`versitygw ended with ${server.exitCode}.`);
      if (
        await fetch(endpoint).then(
          () => true,
          () => false,
        )
      )
        return;
    }
    throw new Error(`versitygw did not answer at ${endpoint}.`);
  };
  await Promise.race([answering(), failed]);
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null) {
    const exited = new Promise((done) => server.once('exit', done));
    server.kill('SIGTERM');
    await exited;
  }
  await rm(folder, { recursive: true, force: true });
}
