import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../services/ports.ts';
import { s3Program } from '../../services/programs.ts';
import { cachedPath, resolveProgram, type ResolveOptions } from '../../services/resolve.ts';
import { realS3Program, rejection, removeFolders, temporaryFolder } from '../support/embedded.ts';

let program = '';
let closed = 0;

beforeAll(async () => {
  program = await realS3Program();
  closed = await freePort();
}, 3_600_000);
afterAll(removeFolders);

/** Nothing on the PATH, an empty cache, nobody at the release host, no module proxy. */
function nothing(): ResolveOptions & { cacheFolder: string } {
  return {
    binary: null,
    cacheFolder: temporaryFolder(),
    environment: { PATH: temporaryFolder() },
    releases: `http://127.0.0.1:${closed}`,
    onProgress: () => undefined,
  };
}

function otherProgram(folder: string): string {
  const file = path.join(folder, 'versitygw');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, '#!/bin/sh\necho another thing of this name\n');
  chmodSync(file, 0o755);
  return file;
}

test('the program that the configuration names comes first', async () => {
  const options = nothing();
  otherProgram(options.environment['PATH'] ?? '');
  expect(await resolveProgram(s3Program, { ...options, binary: program })).toEqual({
    path: program,
    source: 'setting',
  });
});

test('a configured path that does not exist is an error, not a reason to look elsewhere', async () => {
  const failed = await rejection(resolveProgram(s3Program, { ...nothing(), binary: '/nowhere/versitygw' }));
  expect(failed.code).toBe('CONFIG_INVALID');
  expect(failed.message).toMatch(/^PERDURA_S3_BINARY names \/nowhere\/versitygw, which does not exist\. Correct/);
});

test('a configured path to another program is refused', async () => {
  const failed = await rejection(resolveProgram(s3Program, { ...nothing(), binary: otherProgram(temporaryFolder()) }));
  expect(failed.message).toContain('is another program');
});

test('a program on the PATH comes before the cache', async () => {
  const options = nothing();
  const onPath = path.join(options.environment['PATH'] ?? '', 'versitygw');
  symlinkSync(program, onPath);
  mkdirSync(path.dirname(cachedPath(s3Program, options.cacheFolder)), { recursive: true });
  symlinkSync(program, cachedPath(s3Program, options.cacheFolder));
  expect(await resolveProgram(s3Program, options)).toEqual({ path: onPath, source: 'PATH' });
});

test('another program of the same name on the PATH is passed over for the cache', async () => {
  const options = nothing();
  otherProgram(options.environment['PATH'] ?? '');
  const cached = cachedPath(s3Program, options.cacheFolder);
  mkdirSync(path.dirname(cached), { recursive: true });
  symlinkSync(program, cached);
  expect(await resolveProgram(s3Program, options)).toEqual({ path: cached, source: 'cache' });
});

test('a cached program that does not run is not used', async () => {
  const options = nothing();
  const cached = cachedPath(s3Program, options.cacheFolder);
  mkdirSync(path.dirname(cached), { recursive: true });
  writeFileSync(cached, 'half a program', { mode: 0o755 });
  const failed = await rejection(resolveProgram(s3Program, options));
  expect(failed.details).toMatchObject({
    attempts: expect.arrayContaining([
      { way: 'cache folder', reason: expect.stringContaining(`${cached} does not run`) },
    ]),
  });
});

test('where nothing is possible every way is listed with its reason, and what a person can do', async () => {
  const options = nothing();
  const failed = await rejection(resolveProgram(s3Program, options));
  expect(failed.code).toBe('SERVICE_UNOBTAINABLE');
  expect(failed.details).toEqual({
    program: 'versitygw',
    attempts: [
      { way: 'PATH', reason: "no program 'versitygw' there" },
      { way: 'cache folder', reason: `${cachedPath(s3Program, options.cacheFolder)} does not exist` },
      { way: 'release download', reason: expect.stringContaining('checksums.txt: connect ECONNREFUSED') },
      { way: 'go install', reason: 'there is no Go on the PATH' },
      {
        way: 'go install with a Go from the module proxy',
        reason: 'GOPROXY names no module proxy, so a Go toolchain cannot be taken from there',
      },
    ],
  });
  expect(failed.message).toMatch(/Do one of these:(\n {2}- .*){4}/);
  expect(failed.message).toContain('PERDURA_S3_BINARY');
});

test('a Go that is too old is named with what is needed', async () => {
  const options = nothing();
  const go = path.join(options.environment['PATH'] ?? '', 'go');
  writeFileSync(go, '#!/bin/sh\necho go version go1.21.0 linux/amd64\n', { mode: 0o755 });
  const failed = await rejection(resolveProgram(s3Program, options));
  expect(failed.message).toContain('go install: the Go on the PATH is 1.21.0, and versitygw needs 1.25.0 or later');
});

test('a failed attempt leaves nothing behind in the cache', async () => {
  const options = nothing();
  await rejection(resolveProgram(s3Program, options));
  expect(readdirSync(path.join(options.cacheFolder, 'versitygw'))).toEqual([]);
});
