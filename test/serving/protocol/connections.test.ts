import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { ask, httpParts, type HttpParts, raw, type Reply } from './http-parts.ts';

const inputs = [
  { name: 'numbers', datatype: 'FP32', shape: [1, 2], data: [1.2, 17] },
  { name: 'categories', datatype: 'BYTES', shape: [1, 1], data: ['SFO'] },
];
const infer = '/v2/models/flights/infer';
const head = `POST ${infer} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;

let own: HttpParts;

beforeAll(async () => {
  own = await httpParts();
});
afterAll(() => own.close());

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  ask(own.port, path, { body, headers });

describe('clients that misbehave', () => {
  test.each([
    ['what is no HTTP', 'hello\r\n\r\n', 400],
    ['a NUL in the path', 'GET /v2/\0 HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['headers of 20,000 bytes', `GET /v2 HTTP/1.1\r\nhost: a\r\nx: ${'h'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', `${head}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
    ['a length and chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a broken chunk', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`, 400],
  ])('%s is answered with its status, and the connection ends', async (_, bytes, status) => {
    const answer = await raw(own.port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 'INPUT_INVALID' });
  });

  test('100 MiB are refused with 413 that the sender gets to see', async () => {
    const { status } = await post(infer, Buffer.alloc(100 * 1024 * 1024, ' '));
    expect(status).toBe(413);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    const endless = await raw(
      own.port,
      `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(17)}0\r\n\r\n`,
    );
    expect(endless).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a client that trickles its headers or its body is cut off with 408', async () => {
    const slow = await httpParts();
    const { server } = slow.app;
    expect([server.headersTimeout, server.requestTimeout, server.keepAliveTimeout]).toEqual([10_000, 30_000, 75_000]);
    server.headersTimeout = 500;
    server.requestTimeout = 500;
    const answers = await Promise.all([
      raw(slow.port, `POST ${infer} HTTP/1.1\r\nhost: a\r\nx: `, 'x'),
      raw(slow.port, `${head}content-length: 10000\r\n\r\n{"inputs":`, ' '),
    ]);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect((await ask(slow.port, infer, { body: { inputs } })).status).toBe(200);
    await slow.close();
  }, 20_000);

  test('a client that goes away in the middle of its body is forgotten', async () => {
    const gone = await raw(own.port, `${head}content-length: 2000000\r\nconnection: close\r\n\r\n`);
    expect(gone).toMatch(/^HTTP\/1.1 413 /);
    expect((await post(infer, { inputs })).status).toBe(200);
  });
});

test('while it drains open connections are answered and told to end, and idle ones are closed after a grace', async () => {
  const draining = await httpParts();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const first = await ask(draining.port, infer, { body: { inputs }, agent });
  const other = new Agent({ keepAlive: true, maxSockets: 1 });
  await ask(draining.port, infer, { body: { inputs }, agent: other });
  const started = performance.now();
  const drained = draining.drain();
  const last = await ask(draining.port, infer, { body: { inputs }, agent });
  expect([first.status, first.headers['connection'], last.status, last.headers['connection']]).toEqual([
    200,
    'keep-alive',
    200,
    'close',
  ]);
  await expect(ask(draining.port, infer, { body: { inputs }, agent: new Agent() })).rejects.toThrow('ECONNREFUSED');
  await drained;
  const tookMs = performance.now() - started;
  expect([tookMs > 1_900, tookMs < 5_000]).toEqual([true, true]);
  agent.destroy();
  other.destroy();
  await draining.close();
});

test('a request that had begun when the drain began is answered', async () => {
  const draining = await httpParts();
  const body = JSON.stringify({ inputs });
  const socket = connect(draining.port, '127.0.0.1');
  const answer = text(socket);
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
  await once(draining.app.server, 'request');
  const drained = draining.drain();
  socket.write(body.slice(10));
  await drained;
  expect(await answer).toMatch(/^HTTP\/1.1 200 /);
  await draining.close();
});

test('with a certificate it speaks TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdura-https-'));
  const tls = { certFile: join(folder, 'a.crt'), keyFile: join(folder, 'a.key') };
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=a'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', tls.keyFile, '-out', tls.certFile], { stdio: 'pipe' });
  const secure = await httpParts({ tls });
  try {
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: secure.port, path: '/v2/health/ready', rejectUnauthorized: false };
      get(options, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
    });
    expect(status).toBe(200);
  } finally {
    await secure.close();
    rmSync(folder, { recursive: true });
  }
});
