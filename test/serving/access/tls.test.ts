import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { readTls, watchTls } from '../../../serving/access/tls.ts';
import { until } from '../harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'perdura-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A certificate that signed itself, and its key, made by openssl. */
function certificate(name: string): { readonly certFile: string; readonly keyFile: string } {
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const to = ['-keyout', files.keyFile, '-out', files.certFile];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...to], { stdio: 'pipe' });
  return files;
}

/** The name in the certificate that a server on a port shows to a new connection. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, (answer) => {
      const { subject } = (answer.socket as TLSSocket).getPeerCertificate();
      answer.resume().on('end', () => resolve(String(subject.CN)));
    });
    asked.on('error', reject).end();
  });
}

test('a certificate and its key are read, and serve https', async () => {
  const server = createServer(readTls(certificate('first')), (_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    expect(await shownBy((server.address() as AddressInfo).port)).toBe('first');
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test.each([
  [
    'a file that is not there',
    { certFile: join(folder, 'none.crt') },
    /PERDURA_SERVING_TLS_CERT .*none\.crt cannot be/,
  ],
  [
    'a certificate that is none',
    { certFile: import.meta.filename },
    /PERDURA_SERVING_TLS_CERT .* is not a certificate/,
  ],
  ['a key that is none', { keyFile: import.meta.filename }, /PERDURA_SERVING_TLS_KEY .* is not a private key/],
  ['a folder', { keyFile: folder }, /PERDURA_SERVING_TLS_KEY .* cannot be read: EISDIR/],
])('%s is CONFIG_INVALID, by the name of its setting', (_, wrong, message) => {
  const read = () => readTls({ ...certificate('good'), ...wrong });
  expect(read).toThrow(message);
  expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

test("another certificate's key is CONFIG_INVALID", () => {
  const { certFile } = certificate('one');
  const { keyFile } = certificate('other');
  expect(() => readTls({ certFile, keyFile })).toThrow(/is not the key of the certificate/);
});

test('a certificate that has expired is CONFIG_INVALID, with its date', () => {
  const files = certificate('old');
  readTls(files, new Date(Date.now() + 1.9 * 86_400_000));
  expect(() => readTls(files, new Date(Date.now() + 2.1 * 86_400_000))).toThrow(/expired at \d{4}-\d\d-\d\dT/);
});

test('a renewed certificate is shown to new connections; half a renewal and rubbish leave the one before', async () => {
  const files = certificate('served');
  const renewed = certificate('renewed');
  const lines: string[] = [];
  const server = createServer(readTls(files), (_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = watchTls(files, {
    onRenewed: (pair) => server.setSecureContext(pair),
    report: (line) => void lines.push(line),
    everyMs: 50,
  });
  try {
    writeFileSync(files.certFile, 'rubbish');
    await until('the rubbish is reported', () => lines.length === 1);
    copyFileSync(renewed.certFile, files.certFile);
    await until('the half renewal is reported', () => lines.length === 2);
    expect(lines[1]).toContain('is not the key of the certificate');
    expect(await shownBy(port)).toBe('served');
    copyFileSync(renewed.keyFile, files.keyFile);
    await until('the renewal is reported', () => lines.length === 3);
    expect(await shownBy(port)).toBe('renewed');
  } finally {
    stop();
    await new Promise((resolve) => server.close(resolve));
  }
});
