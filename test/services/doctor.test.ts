import { createServer } from 'node:net';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Check, checkNode, diagnose } from '../../services/doctor.ts';
import { freePort } from '../../services/ports.ts';
import { embeddedConfig, removeFolders, temporaryFolder } from '../support/embedded.ts';

afterAll(removeFolders);

function named(checks: readonly Check[], name: string): Check | undefined {
  return checks.find((check) => check.name === name);
}

test('a Node below 20.19 fails with what to install', () => {
  expect(checkNode('20.18.3')).toEqual({
    name: 'node',
    status: 'fail',
    found: 'Node 20.18.3',
    remedy: 'Install Node 20.19 or later.',
  });
  expect([checkNode('20.19.0'), checkNode('22.1.0')].map(({ status }) => status)).toEqual(['ok', 'ok']);
});

test('every check says what was found, and what to do unless it is fine', async () => {
  const checks = await diagnose(embeddedConfig(temporaryFolder()));
  expect(checks.map(({ name }) => name)).toEqual([
    'node',
    'program temporal',
    'program versitygw',
    'services',
    'disk for state',
    'disk for programs',
    'gpu',
  ]);
  expect(checks.filter(({ status, remedy }) => status !== 'ok' && remedy === null)).toEqual([]);
});

test('a configured port that is taken fails, a free one is fine', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const address = blocker.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const free = await freePort();
  const settings = { PERDURA_S3_PORT: String(taken), PERDURA_SERVING_PORT: String(free) };
  const checks = await diagnose(embeddedConfig(temporaryFolder(), settings));
  blocker.close();
  expect(named(checks, `port ${taken} (PERDURA_S3_PORT)`)).toMatchObject({ status: 'fail' });
  expect(named(checks, `port ${free} (PERDURA_SERVING_PORT)`)).toMatchObject({ status: 'ok' });
});

test("a port on which the home folder's own model server listens is no trouble", async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const address = blocker.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  const config = embeddedConfig(temporaryFolder(), { PERDURA_SERVING_GRPC_PORT: String(own) });
  const checks = await diagnose(config, { ownPorts: [own] });
  blocker.close();
  expect(named(checks, `port ${own} (PERDURA_SERVING_GRPC_PORT)`)).toMatchObject({ status: 'ok' });
});

test('a given service that does not answer fails', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const checks = await diagnose(embeddedConfig(temporaryFolder(), { TEMPORAL_ADDRESS: address }));
  expect(named(checks, 'services')).toMatchObject({ status: 'fail', found: expect.stringContaining(address) });
  expect(named(checks, 'program temporal')).toBeUndefined();
});

test('programs that are nowhere are a warning, because the first start gets them', async () => {
  const config = embeddedConfig(temporaryFolder(), { PERDURA_CACHE: temporaryFolder() });
  const checks = await diagnose({ ...config, s3Binary: null }, { environment: { PATH: temporaryFolder() } });
  expect(named(checks, 'program versitygw')).toMatchObject({ status: 'warn', found: 'not here yet' });
});

test('a GPU is told as nvidia-smi tells it, and none is no fault', async () => {
  const folder = temporaryFolder();
  const config = embeddedConfig(temporaryFolder());
  const without = await diagnose(config, { environment: { PATH: folder } });
  expect(named(without, 'gpu')).toMatchObject({ status: 'ok', found: expect.stringMatching(/^none/) });
  // The words of nvidia-smi's CSV output for the query that the doctor asks.
  const tool = path.join(folder, 'nvidia-smi');
  writeFileSync(tool, '#!/bin/sh\necho "NVIDIA H200, 143771 MiB, 570.86.15"\n');
  chmodSync(tool, 0o755);
  const checks = await diagnose(config, { environment: { PATH: folder } });
  expect(named(checks, 'gpu')).toMatchObject({
    status: 'ok',
    found: 'NVIDIA H200, 143771 MiB, 570.86.15 (name, memory, driver)',
  });
});
