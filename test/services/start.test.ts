import { GetObjectCommand, PutObjectCommand, S3Client, CreateBucketCommand } from '@aws-sdk/client-s3';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { ServiceAddresses } from '../../domain/config.ts';
import { findServices } from '../../services/find.ts';
import { freePort, isFree } from '../../services/ports.ts';
import { probeTemporal } from '../../services/probe.ts';
import { startS3, startServices, startTemporal } from '../../services/start.ts';
import { readState } from '../../services/state.ts';
import { testServices } from '../support/services.ts';
import { embeddedConfig, rejection, removeFolders, temporaryFolder, until } from '../support/embedded.ts';

const quiet = { onProgress: () => undefined };
const limit = 60_000;

afterAll(removeFolders);

function client(s3: ServiceAddresses['s3']): S3Client {
  return new S3Client({
    endpoint: s3.endpoint ?? '',
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId ?? '', secretAccessKey: s3.secretAccessKey ?? '' },
  });
}

async function write(s3: ServiceAddresses['s3'], text: string): Promise<void> {
  const own = client(s3);
  await own.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await own.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a', Body: text }));
  own.destroy();
}

async function read(s3: ServiceAddresses['s3']): Promise<string | undefined> {
  const own = client(s3);
  const answer = await own.send(new GetObjectCommand({ Bucket: 'kept', Key: 'a' }));
  const text = await answer.Body?.transformToString();
  own.destroy();
  return text;
}

test(
  'both services start, are found by another command, keep state and addresses over a restart, and stop',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const first = await startServices(config, quiet);
    await write(first.addresses.s3, 'still here');
    expect(await findServices(config)).toEqual(first.addresses);
    const pids = Object.values(readState(config.homeFolder)).map((server) => server?.process?.pid ?? 0);
    await first.stop();
    expect(pids.map((pid) => alive(pid))).toEqual([false, false]);
    expect(await findServices(config)).toBeNull();

    const second = await startServices(config, quiet);
    expect(second.addresses).toEqual(first.addresses);
    expect(await read(second.addresses.s3)).toBe('still here');
    await second.stop();
  },
  limit,
);

test(
  'the keys of the S3 server are for this user only, and not in its log or the state file',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const running = await startS3(config, quiet);
    await running.stop();
    const file = path.join(config.homeFolder, 'keys', 's3.json');
    expect(statSync(file).mode & 0o077).toBe(0);
    const open = ['services.json', 'logs/versitygw.log'].map((name) =>
      readFileSync(path.join(config.homeFolder, name), 'utf8'),
    );
    expect(open.join('')).not.toContain(running.address.secretAccessKey);
  },
  limit,
);

test(
  'a second start on the same home folder names the process that has it',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const running = await startS3(config, quiet);
    const failed = await rejection(startS3(config, quiet));
    await running.stop();
    expect(failed.code).toBe('CONFLICT');
    expect(failed.message).toContain(`started by process ${process.pid}.`);
  },
  limit,
);

test(
  'where one of two services cannot start the other does not stay',
  async () => {
    const home = temporaryFolder();
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const failed = await rejection(startServices(embeddedConfig(home, { PERDURA_TEMPORAL_PORT: String(port) }), quiet));
    blocker.close();
    expect(failed.code).toBe('PORT_IN_USE');
    expect(failed.message).toMatch(new RegExp(`^Port ${port} for Temporal is taken .*PERDURA_TEMPORAL_PORT`));
    expect(alive(readState(home).s3?.process?.pid ?? 0)).toBe(false);
  },
  limit,
);

test(
  'a server that is killed is reported, and starts again on its state and port',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const first = await startTemporal(config, quiet);
    process.kill(first.pid, 'SIGKILL');
    const failure = await first.failure;
    expect(failure.code).toBe('SERVICE_UNAVAILABLE');
    expect(failure.message).toMatch(/^The embedded Temporal server ended unexpectedly with SIGKILL\./);
    await first.stop();
    const second = await startTemporal(config, quiet);
    expect(second.address).toEqual(first.address);
    expect(await probeTemporal(second.address)).toBeNull();
    await second.kill();
    expect(alive(second.pid)).toBe(false);
  },
  limit,
);

test(
  'a namespace of its own is there when the server is',
  async () => {
    const config = embeddedConfig(temporaryFolder(), { TEMPORAL_NAMESPACE: 'team-a' });
    const running = await startTemporal(config, quiet);
    const found = await Promise.all(
      ['team-a', 'team-b'].map((namespace) => probeTemporal({ ...running.address, namespace })),
    );
    await running.stop();
    expect(found).toEqual([null, "has no namespace 'team-b'"]);
  },
  limit,
);

test(
  'a services.json of processes that died is replaced',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const port = await freePort();
    const entry = { process: { pid: process.pid, started: 'another time' }, port, uiPort: null };
    writeFileSync(path.join(config.homeFolder, 'services.json'), JSON.stringify({ temporal: entry, s3: entry }));
    expect(await findServices(config)).toBeNull();
    const running = await startS3(config, quiet);
    expect(readState(config.homeFolder).s3).toMatchObject({ process: { pid: running.pid }, port });
    await running.stop();
  },
  limit,
);

test('given services that do not answer are named with what to do, and nothing is started', async () => {
  const home = temporaryFolder();
  const port = await freePort();
  const temporal = await rejection(
    startServices(embeddedConfig(home, { TEMPORAL_ADDRESS: `127.0.0.1:${port}` }), quiet),
  );
  expect(temporal.code).toBe('SERVICE_UNAVAILABLE');
  expect(temporal.message).toMatch(new RegExp(`^Temporal at 127.0.0.1:${port} does not answer .*TEMPORAL_ADDRESS`));
  const s3 = await rejection(startServices(embeddedConfig(home, { S3_ENDPOINT: `http://127.0.0.1:${port}` }), quiet));
  expect(s3.message).toMatch(new RegExp(`^S3 at http://127.0.0.1:${port} does not answer .*S3_ENDPOINT`));
  expect(readState(home)).toEqual({ temporal: null, s3: null });
});

test(
  'beside a given service only the other one is started',
  async () => {
    const given = testServices().temporal;
    const config = embeddedConfig(temporaryFolder(), { TEMPORAL_ADDRESS: given.address });
    const running = await startServices(config, quiet);
    expect(running.addresses.temporal).toEqual({ ...given, uiUrl: null });
    expect(readState(config.homeFolder).temporal).toBeNull();
    expect(await findServices(config)).toEqual(running.addresses);
    await running.stop();
    expect(await probeTemporal(given)).toBeNull();
  },
  limit,
);

test('with both services given nothing is started and nothing written', async () => {
  const { temporal, s3 } = testServices();
  const home = path.join(temporaryFolder(), 'home');
  const config = embeddedConfig(home, {
    TEMPORAL_ADDRESS: temporal.address,
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
  });
  const running = await startServices(config, quiet);
  await running.stop();
  expect(running.addresses).toEqual({ temporal: { ...temporal, uiUrl: null }, s3 });
  expect(existsSync(home)).toBe(false);
});

test('a home folder that cannot be one is told with its setting', async () => {
  const file = path.join(temporaryFolder(), 'file');
  writeFileSync(file, 'no folder');
  const failed = await rejection(startS3(embeddedConfig(path.join(file, 'home')), quiet));
  expect(failed.code).toBe('CONFIG_INVALID');
  expect(failed.message).toMatch(/cannot be written: ENOTDIR.*PERDURA_HOME/);
});

test(
  'a remembered port that another program took is replaced by a free one',
  async () => {
    const config = embeddedConfig(temporaryFolder());
    const first = await startS3(config, quiet);
    await first.stop();
    const port = readState(config.homeFolder).s3?.port ?? 0;
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
    const second = await startS3(config, quiet);
    await second.stop();
    blocker.close();
    expect(second.address.endpoint).not.toBe(first.address.endpoint);
    await until('the port is free again', () => isFree(port));
  },
  limit,
);

function alive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
