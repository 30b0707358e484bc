import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { credentials } from '@grpc/grpc-js';
import type { Answered } from '../../../serving/answering/call.ts';
import { GRPCInferenceService } from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { type GrpcServer, type GrpcServerOptions, listenGrpc } from '../../../serving/protocol/grpc/grpc-server.ts';
import { type GrpcParts, grpcParts } from './grpc-parts.ts';
import { type RawClient, rawClient } from './raw-client.ts';

const run = promisify(execFile);
const { method } = GRPCInferenceService;
const inferPath = '/inference.GRPCInferenceService/ModelInfer';
const request = {
  modelName: 'flights',
  inputs: [
    { name: 'numbers', datatype: 'FP32', shape: [1n, 2n], contents: { fp32Contents: [1, 2] } },
    { name: 'categories', datatype: 'BYTES', shape: [1n, 1n], contents: { bytesContents: [Buffer.from('SFO')] } },
  ],
};

let own: GrpcParts;
const opened: (() => unknown)[] = [];

beforeAll(async () => void (own = await grpcParts()));
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});
afterAll(() => own.close());

async function listen(options: Partial<GrpcServerOptions> = {}, parts = own.parts): Promise<GrpcServer> {
  const { metrics } = own;
  const server = await listenGrpc(parts, {
    host: '127.0.0.1',
    port: 0,
    tls: null,
    maxMessageBytes: 65_536,
    metrics,
    ...options,
  });
  opened.push(() => server.drain(0));
  return server;
}

function connect(address: string | number, channel = credentials.createInsecure()): RawClient {
  const client = rawClient(typeof address === 'number' ? `127.0.0.1:${address}` : address, channel);
  opened.push(() => client.close());
  return client;
}

/** One request as raw HTTP/2: the status that it ended with, and the message. */
async function overHttp2(port: number, frame: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  opened.push(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': inferPath,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  let ended: http2.IncomingHttpHeaders = {};
  stream.on('response', (first) => (ended = { ...first, ...ended }));
  stream.on('trailers', (last) => (ended = { ...ended, ...last }));
  stream.resume().end(frame);
  await once(stream, 'close');
  return { code: Number(ended['grpc-status']), message: decodeURI(String(ended['grpc-message'])) };
}

/** A message in gRPC's frame: whether it is compressed, its length, its bytes. */
function framed(bytes: Uint8Array, compressed: 0 | 1): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

test('while it drains, a call that is under way is answered, and the port is free afterwards', async () => {
  let answerNow: () => void = () => undefined;
  let asked: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => void (asked = resolve));
  const held = new Promise<void>((resolve) => void (answerNow = resolve));
  const answer = async (call: Parameters<typeof own.parts.answer>[0]): Promise<Answered> => {
    asked();
    await held;
    return own.parts.answer(call);
  };
  const server = await listen({}, { ...own.parts, answer });
  const client = connect(server.port);
  const answered = client.end(method.modelInfer, request);
  await isAsked;
  const drained = server.drain(5_000);
  answerNow();
  expect((await answered).code).toBe('OK');
  await drained;
  await expect(listen({ port: server.port })).resolves.toMatchObject({ port: server.port });
});

test('a call that never ends is cut when the grace is over', async () => {
  let asked: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => void (asked = resolve));
  const answer = (): Promise<Answered> => {
    asked();
    return new Promise(() => undefined);
  };
  const server = await listen({}, { ...own.parts, answer });
  const answered = connect(server.port).end(method.modelInfer, request);
  await isAsked;
  await server.drain(50);
  // HTTP/2's CANCEL, by gRPC's mapping of HTTP/2 errors (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
  expect((await answered).code).toBe('CANCELLED');
});

test('a connection that is too old is replaced without a failed call', async () => {
  const server = await listen({ maxConnectionAgeMs: 60 });
  const client = connect(server.port);
  const codes = new Set<string>();
  for (const end = Date.now() + 1_500; Date.now() < end;)
    codes.add((await client.end(method.modelInfer, request)).code);
  expect([...codes]).toEqual(['OK']);
});

test('a client is told when its connection is too old', async () => {
  const { port } = await listen({ maxConnectionAgeMs: 60 });
  const session = http2.connect(`http://127.0.0.1:${port}`);
  opened.push(() => session.destroy());
  const [code] = (await once(session, 'goaway')) as [number];
  expect(code).toBe(http2.constants.NGHTTP2_NO_ERROR);
});

test('a taken port is named', async () => {
  const { port } = await listen();
  await expect(listen({ port })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(String(port)),
  });
});

test('an address that is not this machine’s is a mistake of the configuration', async () => {
  await expect(listen({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('with TLS it answers clients that trust its certificate, and no plain ones', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-grpc-tls-'));
  opened.push(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    keyFile,
    '-out',
    certFile,
  ]);
  const server = await listen({ tls: { certFile, keyFile } });
  const trusted = connect(`localhost:${server.port}`, credentials.createSsl(await readFile(certFile)));
  expect((await trusted.end(method.serverLive, {})).code).toBe('OK');
  expect((await connect(server.port).end(method.serverLive, {})).code).toBe('UNAVAILABLE');
});

test('compressed requests are read', async () => {
  const { port } = await listen();
  const ended = await overHttp2(port, framed(gzipSync(Buffer.from([0x0a, 0x03, 0x61, 0x62, 0x63])), 1), {
    'grpc-encoding': 'gzip',
  });
  expect(ended).toEqual({ code: 5, message: expect.stringContaining("'abc'") });
});

/** gRPC's numbers: 3 INVALID_ARGUMENT, 8 RESOURCE_EXHAUSTED, 12 UNIMPLEMENTED (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
test.each([
  ['bytes that do not unpack', framed(Buffer.from('no gzip'), 1), { 'grpc-encoding': 'gzip' }, 3],
  ['a timeout that is none', framed(Buffer.alloc(0), 0), { 'grpc-timeout': 'soon' }, 3],
  ['a bomb', framed(gzipSync(Buffer.alloc(10_000_000)), 1), { 'grpc-encoding': 'gzip' }, 8],
  ['a length of 4 GiB', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), {}, 8],
  ['an encoding of its own', framed(Buffer.from('x'), 1), { 'grpc-encoding': 'zstd' }, 12],
  ['no message', Buffer.alloc(0), {}, 12],
  ['a method that is not there', framed(Buffer.alloc(0), 0), { ':path': '/inference.GRPCInferenceService/Größe' }, 12],
])('%s is never the server’s fault', async (_, frame, headers, code) => {
  const { port } = await listen();
  expect((await overHttp2(port, frame, headers)).code).toBe(code);
  expect((await connect(port).end(method.modelInfer, request)).code).toBe('OK');
});
