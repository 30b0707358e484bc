import type { Socket } from 'node:net';
import { residentBytesOf } from '../../../bench/serving/cpu-time.ts';
import {
  endpoint,
  type FuzzServer,
  goodBody,
  goodRecord,
  inferPath,
  openFuzzServer,
  predictPath,
} from './fuzz-server.ts';
import { type RawAnswer, rawConnection, saying, trickling } from './raw-connection.ts';

const limit = 120_000;
const mebibyte = 2 ** 20;
const bigBytes = 100 * mebibyte;

let fuzz: FuzzServer;

beforeAll(async () => {
  fuzz = await openFuzzServer();
}, limit);
afterEach(() => fuzz.checkAlive());
afterAll(() => fuzz?.close(), limit);

const body = JSON.stringify(goodBody());

/** One request as text; the connection is to end after it. */
function say(method: string, path: string, more = ''): Promise<RawAnswer> {
  return rawConnection(
    fuzz.server.url,
    saying(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${more}\r\n`),
    {
      atMostMs: 10_000,
      until: 'closed',
    },
  );
}

const posted = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

test.each([
  ['a folder above', `/v2/models/../models/${endpoint}/../../../etc/passwd`],
  ['a folder above, encoded', '/v2/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd/infer'],
  ['encoded slashes', '/v2/models/a%2Fb%2Fc/infer'],
  ['an encoded slash in a known name', `/v2/models/${endpoint}%2F/infer`],
  ['encoded backslashes', '/v2/models/..%5C..%5Cwindows/infer'],
  ['NUL, encoded', `/v2/models/${endpoint}%00/infer`],
  ['a broken escape', '/v2/models/%zz/infer'],
  ['half an escape', '/v2/models/%/infer'],
  ['bytes that are no UTF-8, encoded', '/v2/models/%ff%fe/infer'],
  ['a name of 10 KB', `/v2/models/${'a'.repeat(10_000)}/infer`],
  ['a version of 10 KB', `/v2/models/${endpoint}/versions/${'9'.repeat(10_000)}/infer`],
  ['no name', '/v2/models//infer'],
  ['two slashes', `//v2/models/${endpoint}/infer`],
  ['another version', `/v2/models/${endpoint}/versions/2/infer`],
  ['a version above', `/v2/models/${endpoint}/versions/../infer`],
  ['something behind', `/v2/models/${endpoint}/infer/more`],
  ['a name of JavaScript', '/v2/models/__proto__/infer'],
  ['a query', '/v2/models/unknown/infer?a=1&b[]=2&__proto__[x]=1'],
  ['an address', 'http://elsewhere.example/v2/models/unknown/infer'],
  ['a record for nobody', '/endpoints/..%2f..%2froutes/predict'],
])('%s in a path is no way to anything', async (_, path) => {
  const { status } = await say('POST', path, posted);
  expect([400, 404]).toContain(status);
});

test.each([
  ['no method', 'nothing\r\n\r\n'],
  ['an unknown method', 'BREW / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['a method in the wrong place', `GET ${inferPath} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`],
  ['another protocol', 'GET / RTSP/1.0\r\n\r\n'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.repeat(10)],
  ['control characters in the path', 'POST /v2/\x00\x01 HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['a header without a name', 'GET /v2 HTTP/1.1\r\n: x\r\n\r\n'],
  ['a header with a line break', 'GET /v2 HTTP/1.1\r\nhost: x\r\nx-a: b\nc\r\n\r\n'],
  ['two lengths', `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`],
  ['a negative length', `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`],
  ['a length that is no number', `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n`],
  [
    'length and chunks',
    `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a broken chunk',
    `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
  ],
  ['headers of 100 KB', `GET /v2 HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(100_000)}\r\n\r\n`],
  ['5,000 headers', `GET /v2 HTTP/1.1\r\nhost: x\r\n${'x-a: b\r\n'.repeat(5_000)}\r\n`],
])('%s: the connection is told so or closed', async (_, text) => {
  const { status, closed } = await rawConnection(fuzz.server.url, saying(text), { atMostMs: 15_000, until: 'closed' });
  expect({ closed, clientsFault: status === null || (status >= 400 && status < 500) }).toEqual({
    closed: true,
    clientsFault: true,
  });
});

/** Sends 100 MiB as fast as they are taken, in chunks of a mebibyte. */
function big(head: string, framed: 'chunked' | 'plain') {
  const chunk = Buffer.alloc(mebibyte, ' ');
  return async (socket: Socket): Promise<void> => {
    socket.write(head);
    for (let sent = 0; sent < bigBytes && socket.writable; sent += mebibyte) {
      if (framed === 'chunked') socket.write(`${mebibyte.toString(16)}\r\n`);
      const flowing = socket.write(chunk);
      if (framed === 'chunked') socket.write('\r\n');
      // A connection that is closed meanwhile leaves nobody waiting for this.
      if (!flowing) await new Promise((done) => socket.once('drain', done));
    }
  };
}

test.each([
  ['that says its length', inferPath, `content-length: ${bigBytes}`, 'plain'],
  ['in chunks', inferPath, 'transfer-encoding: chunked', 'chunked'],
  ['of a record', predictPath, `content-length: ${bigBytes}`, 'plain'],
] as const)(
  'a body of 100 MiB %s is refused and leaves no memory behind',
  async (_, path, length, framed) => {
    const before = residentBytesOf(fuzz.server.pid);
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
    const ask = () => rawConnection(fuzz.server.url, big(head, framed), { atMostMs: 30_000, until: 'answer' });
    const all = await Promise.all(Array.from({ length: 5 }, ask));
    expect(all.map(({ status }) => status)).toEqual([413, 413, 413, 413, 413]);
    expect((residentBytesOf(fuzz.server.pid) - before) / mebibyte).toBeLessThan(150);
  },
  limit,
);

test(
  'clients that send their bytes one by one are cut off with 408, and hold up nobody',
  async () => {
    const head = `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    const slow = (parts: Iterable<string>) =>
      rawConnection(fuzz.server.url, trickling(parts, 500), { atMostMs: 60_000, until: 'closed' });
    const all = Promise.all([
      ...Array.from({ length: 10 }, () => slow(head)),
      ...Array.from({ length: 10 }, () => slow([`${head}\r\n`, ...body.split('')])),
      ...Array.from({ length: 10 }, () => slow(['P'])),
    ]);
    let waiting = true;
    void all.then(() => (waiting = false));
    const latenciesMs: number[] = [];
    while (waiting) {
      const began = performance.now();
      expect((await fuzz.ask(predictPath, JSON.stringify({ record: goodRecord }))).status).toBe(200);
      latenciesMs.push(performance.now() - began);
      await new Promise((done) => setTimeout(done, 20));
    }
    const ended = await all;
    expect(ended.filter(({ closed, status }) => !closed || (status !== 408 && status !== null))).toEqual([]);
    expect(ended.filter(({ status }) => status === 408).length).toBeGreaterThanOrEqual(20);
    expect(latenciesMs.toSorted((a, b) => a - b)[Math.floor(latenciesMs.length / 2)]).toBeLessThan(50);
  },
  limit,
);

test('connections that say nothing keep nobody out', async () => {
  const silent = Array.from({ length: 300 }, () =>
    rawConnection(fuzz.server.url, () => undefined, { atMostMs: 3_000, until: 'closed' }),
  );
  expect((await fuzz.ask(inferPath, body)).status).toBe(200);
  await Promise.all(silent);
});
