import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { s3Program } from '../../services/programs.ts';
import { publishedChecksum } from '../../services/release.ts';
import { cachedPath, resolveProgram, type ResolveOptions } from '../../services/resolve.ts';
import { extractFromTar } from '../../services/tar.ts';
import { rejection, removeFolders, temporaryFolder } from '../support/embedded.ts';

const platform = { os: 'linux', arch: 'x64' };
const archiveName = 'versitygw_v1.7.0_Linux_x86_64.tar.gz';
const base = `/versity/versitygw/releases/download/v1.7.0`;
const program = `#!/bin/sh\necho 'Version  : 1.7.0'\nexit\n${randomBytes(1_500_000).toString('hex')}`;
let archive: Buffer;
const servers: Server[] = [];

/**
 * An archive as the project releases it (its .goreleaser.yaml: `wrap_in_directory`), made by the system's tar. The program in it answers
 * `--version` as versitygw v1.7.0 does, and is small, so that the tests are quick; still it comes in many pieces.
 */
beforeAll(() => {
  const folder = temporaryFolder();
  const inner = path.join(folder, 'versitygw_v1.7.0_Linux_x86_64');
  mkdirSync(inner);
  writeFileSync(path.join(inner, 'README.md'), randomBytes(1_500_000));
  writeFileSync(path.join(inner, 'versitygw'), program);
  execFileSync('tar', ['-C', folder, '--format=ustar', '-cf', path.join(folder, 'release.tar'), path.basename(inner)]);
  archive = gzipSync(readFileSync(path.join(folder, 'release.tar')), { level: 1 });
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await removeFolders();
});

/** Serves a release on this machine; `sent` may differ from what the checksums say, `cutAt` breaks the connection there. */
async function releaseHost(files: { published: Buffer; sent: Buffer; cutAt?: number }): Promise<string> {
  const sha256 = createHash('sha256').update(files.published).digest('hex');
  const server = createServer((request, response) => {
    if (request.url === `${base}/checksums.txt`)
      response.end(`${'0'.repeat(64)}  other.tar.gz\n${sha256}  ${archiveName}\n`);
    else if (request.url !== `${base}/${archiveName}`) response.writeHead(404).end();
    else if (files.cutAt === undefined)
      response.writeHead(200, { 'content-length': files.sent.length }).end(files.sent);
    else {
      response.writeHead(200, { 'content-length': files.sent.length });
      response.write(files.sent.subarray(0, files.cutAt), () => response.destroy());
    }
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function options(releases: string): ResolveOptions {
  return {
    binary: null,
    cacheFolder: temporaryFolder(),
    environment: { PATH: temporaryFolder() },
    platform,
    releases,
    onProgress: () => undefined,
  };
}

test('a release whose checksum holds is unpacked into the cache and found there the next time', async () => {
  const given = options(await releaseHost({ published: archive, sent: archive }));
  const file = cachedPath(s3Program, given.cacheFolder);
  expect(await resolveProgram(s3Program, given)).toEqual({ path: file, source: 'release' });
  expect(await resolveProgram(s3Program, given)).toEqual({ path: file, source: 'cache' });
  expect(readFileSync(file, 'utf8') === program).toBe(true);
});

test('a download that is not what the release publishes is refused and thrown away', async () => {
  const altered = Buffer.from(archive);
  altered[altered.length >> 1] = (altered[altered.length >> 1] ?? 0) ^ 1;
  const given = options(await releaseHost({ published: archive, sent: altered }));
  const failed = await rejection(resolveProgram(s3Program, given));
  expect(failed.code).toBe('SERVICE_UNOBTAINABLE');
  expect(failed.message).toMatch(
    /release download: the file from .* has SHA-256 [0-9a-f]{64}, not the published .*: refused/,
  );
  expect(readdirSync(path.join(given.cacheFolder, 'versitygw'))).toEqual([]);
});

test('a download that breaks off is never taken for a whole one', async () => {
  const given = options(await releaseHost({ published: archive, sent: archive, cutAt: 1_000_000 }));
  const failed = await rejection(resolveProgram(s3Program, given));
  expect(failed.message).toContain('broken off');
  expect(existsSync(cachedPath(s3Program, given.cacheFolder))).toBe(false);
});

test('two that want the same program at once get one whole program', async () => {
  const given = options(await releaseHost({ published: archive, sent: archive }));
  const found = await Promise.all([resolveProgram(s3Program, given), resolveProgram(s3Program, given)]);
  expect(found.map(({ source }) => source).toSorted()).toEqual(['cache', 'release']);
});

test('a release that does not list the archive is refused', () => {
  expect(publishedChecksum(`${'a'.repeat(64)}  versitygw_v1.7.0_Linux_arm64.tar.gz\n`, archiveName)).toBeNull();
});

test('names of the archives are those of the release configurations', () => {
  expect(s3Program.archive(platform)).toBe(archiveName);
  expect(s3Program.archive({ os: 'darwin', arch: 'arm64' })).toBe('versitygw_v1.7.0_Darwin_arm64.tar.gz');
  expect(s3Program.archive({ os: 'win32', arch: 'x64' })).toBeNull();
});

test('an archive that is cut off is an error', async () => {
  const folder = temporaryFolder();
  const file = path.join(folder, 'cut.tar.gz');
  writeFileSync(file, archive.subarray(0, archive.length >> 1));
  await expect(extractFromTar(file, 'versitygw', path.join(folder, 'out'))).rejects.toThrow('unexpected end of file');
});

test('a file that is no archive is an error', async () => {
  const folder = temporaryFolder();
  const file = path.join(folder, 'noise.tar.gz');
  writeFileSync(file, gzipSync(randomBytes(4_096)));
  await expect(extractFromTar(file, 'versitygw', path.join(folder, 'out'))).rejects.toThrow('not a tar archive');
});
