import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { firstProxy, isAtLeast } from '../../services/go-build.ts';
import { obtainToolchain, unpackToolchain } from '../../services/go-toolchain.ts';
import { rejection, removeFolders, temporaryFolder } from '../support/embedded.ts';

const name = 'v0.0.1-go1.26.8.linux-amd64';
const prefix = `golang.org/toolchain@${name}/`;
let server: Server | null = null;

afterAll(async () => {
  server?.close();
  await removeFolders();
});

/** A zip with stored entries (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.16): module zips carry no modes either. */
function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [file, text] of Object.entries(files)) {
    const [fileName, data] = [Buffer.from(file), Buffer.from(text)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(fileName.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    locals.push(Buffer.from('PK\x03\x04'), common, fileName, data);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, tail, fileName);
    offset += 30 + fileName.length + data.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, entries, end]);
}

test('a toolchain is unpacked as the go command does: programs executable, go.mod under its own name', async () => {
  const folder = temporaryFolder();
  const zip = path.join(folder, 'toolchain.zip');
  writeFileSync(
    zip,
    zipOf({
      [`${prefix}bin/go`]: '#!/bin/sh\n',
      [`${prefix}pkg/tool/linux_amd64/compile`]: 'tool',
      [`${prefix}src/_go.mod`]: 'module std\n',
      'elsewhere/file': 'not part of it',
    }),
  );
  const out = path.join(folder, 'out');
  await unpackToolchain(zip, out, name);
  expect(statSync(path.join(out, 'bin/go')).mode & 0o111).toBe(0o111);
  expect(statSync(path.join(out, 'pkg/tool/linux_amd64/compile')).mode & 0o111).toBe(0o111);
  expect(readFileSync(path.join(out, 'src/go.mod'), 'utf8')).toBe('module std\n');
  expect(existsSync(path.join(out, 'elsewhere'))).toBe(false);
});

test('a zip that leads out of the folder is refused', async () => {
  const folder = temporaryFolder();
  const zip = path.join(folder, 'toolchain.zip');
  writeFileSync(zip, zipOf({ [`${prefix}../../../evil`]: 'x' }));
  await expect(unpackToolchain(zip, path.join(folder, 'out'), name)).rejects.toThrow('invalid relative path');
});

test('a toolchain whose digest is not the pinned one is refused and not installed', async () => {
  const asked: unknown[] = [];
  server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization);
    response.end(zipOf({ [`${prefix}bin/go`]: '#!/bin/sh\necho taken over\n' }));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cacheFolder = temporaryFolder();
  const failed = await rejection(
    obtainToolchain(cacheFolder, {
      proxy: `http://ada:secret@127.0.0.1:${port}/`,
      platform: { os: 'linux', arch: 'x64' },
      folder: temporaryFolder(),
      onProgress: () => undefined,
    }),
  );
  expect(failed.message).toMatch(/has SHA-256 [0-9a-f]{64}, not the published 30c2b1bf.*: refused/);
  expect(failed.message).not.toContain('secret');
  expect(existsSync(path.join(cacheFolder, 'go'))).toBe(false);
  expect(asked).toEqual([
    `/golang.org/toolchain/@v/${name}.zip`,
    `Basic ${Buffer.from('ada:secret').toString('base64')}`,
  ]);
});

test('a platform without a pinned digest gets no toolchain', async () => {
  const platform = { os: 'freebsd', arch: 'x64' };
  const options = { proxy: 'http://127.0.0.1:9', platform, folder: temporaryFolder(), onProgress: () => undefined };
  const failed = await rejection(obtainToolchain(temporaryFolder(), options));
  expect(failed.message).toBe('no Go toolchain is pinned for freebsd-amd64');
});

test.each([
  ['https://proxy.example,direct', 'https://proxy.example'],
  ['off', null],
  ['direct|https://second.example', 'https://second.example'],
  [undefined, null],
])('of GOPROXY=%s the proxy is %s', (setting, proxy) => {
  expect(firstProxy(setting)).toBe(proxy);
});

test.each([
  ['1.25.0', '1.25.0', true],
  ['1.26', '1.25.9', true],
  ['1.9.9', '1.25.0', false],
  ['1.24.12', '1.25.0', false],
])('Go %s against %s: %s', (version, oldest, enough) => {
  expect(isAtLeast(version, oldest)).toBe(enough);
});
