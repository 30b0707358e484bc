/* oxlint-disable jest/no-standalone-expect -- a test that a machine may have to skip has a name of its own */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { s3Program } from '../../services/programs.ts';
import { resolveProgram } from '../../services/resolve.ts';
import { startS3 } from '../../services/start.ts';
import { embeddedConfig, rejection, removeFolders, temporaryFolder } from '../support/embedded.ts';

/** A disk of 4 MiB, where this user may mount one. */
const folder = temporaryFolder();
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' }).status === 0;
const smallDiskTest = mounted ? test : test.skip;
const servers: Server[] = [];

afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  if (mounted) spawnSync('umount', [folder]);
  await removeFolders();
});

smallDiskTest('no room for the state is told before anything is started (needs the right to mount)', async () => {
  const home = path.join(folder, 'home');
  const failed = await rejection(startS3(embeddedConfig(home), { onProgress: () => undefined }));
  expect(failed.code).toBe('DISK_FULL');
  expect(failed.message).toMatch(
    /^No room on the disk of .*\/home: \d MiB are free and 128 MiB needed\. .*PERDURA_HOME/,
  );
  expect(existsSync(path.join(home, 's3'))).toBe(false);
});

/** Sends the archive in chunks, with or without saying how large it is. */
async function releaseHost(headers: Readonly<Record<string, number>>): Promise<string> {
  const archive = randomBytes(8 * 1_048_576);
  const name = s3Program.archive({ os: 'linux', arch: 'x64' }) ?? '';
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const server = createServer((request, response) => {
    if (request.url?.endsWith('checksums.txt') === true) response.end(`${sha256}  ${name}\n`);
    else response.writeHead(200, headers).end(archive);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

smallDiskTest.each([
  ['is announced', { 'content-length': 8 * 1_048_576 }, '32 MiB needed'],
  ['shows while it is written', {}, 'it is full'],
])('a download that does not fit is a full disk when that %s, and leaves nothing', async (_, headers, words) => {
  const cacheFolder = path.join(folder, 'cache');
  const failed = await rejection(
    resolveProgram(s3Program, {
      binary: null,
      cacheFolder,
      environment: { PATH: temporaryFolder() },
      platform: { os: 'linux', arch: 'x64' },
      releases: await releaseHost(headers),
      onProgress: () => undefined,
    }),
  );
  expect(failed.code).toBe('DISK_FULL');
  expect(failed.message).toContain(words);
  expect(failed.message).toContain('PERDURA_CACHE');
  expect(readdirSync(path.join(cacheFolder, 'versitygw'))).toEqual([]);
});
