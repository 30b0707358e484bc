import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { credentials } from '@grpc/grpc-js';

import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { rawClient } from '../grpc/raw-client.ts';
import { flight, type Serving, setRoute, withServing } from '../harness.ts';
import { apiKey, grpcTensors, overGrpc, setPolicy } from './asking.ts';

let serving: Serving;
let server: ModelServerProcess;
let folder: string;
let ca: Buffer;
let tls: { readonly certFile: string; readonly keyFile: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-whole-tls-'));
  tls = certificate('server');
  ca = readFileSync(tls.certFile);
  serving = await withServing();
  const { store } = serving;
  const champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  await setRoute(store, 'flights', { champion });
  await setPolicy(store, 'flights', { access: { apiKeys: [apiKey('ours')], oidc: null } });
  server = await serving.start({ processes: 2, tls });
}, 60_000);

afterAll(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** A certificate of this machine that signed itself, and its key, by openssl. */
function certificate(name: string) {
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', files.keyFile, '-out', files.certFile], {
    stdio: 'pipe',
  });
  return files;
}

/** One request on a connection of its own; its status, or why there was none. */
function ask(options: RequestOptions): Promise<number | string> {
  const body = JSON.stringify({ record: flight });
  return new Promise((resolve) => {
    const asked = request(
      `${server.url}/endpoints/flights/predict`,
      { method: 'POST', agent: false, ca, ...options },
      (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)),
    );
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end(body);
  });
}

const ours = { 'content-type': 'application/json', 'x-api-key': 'ours' };

test('REST speaks TLS on every process, with keys as without it', async () => {
  expect(server.url).toMatch(/^https:/);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ headers: ours })));
  expect(answers).toEqual(answers.map(() => 200));
  expect(await ask({ headers: { ...ours, 'x-api-key': 'theirs' } })).toBe(401);
});

test('a client that does not trust the certificate, or speaks plain HTTP or an old TLS, gets no answer', async () => {
  expect(await ask({ headers: ours, ca: readFileSync(certificate('another').certFile) })).toMatch(/CERT|SIGNATURE/i);
  await expect(fetch(server.url.replace('https', 'http'))).rejects.toThrow('fetch failed');
  const { hostname, port } = new URL(server.url);
  const old = new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const;
    const socket = connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }, () => resolve(socket.destroy()));
    socket.on('error', reject);
  });
  await expect(old).rejects.toThrow(/protocol|version|alert/i);
  // The server is as it was.
  expect(await ask({ headers: ours })).toBe(200);
});

test('gRPC speaks TLS with the same certificate, and not without it', async () => {
  const request = { modelName: 'flights', inputs: grpcTensors };
  const asked = async (
    channel: ReturnType<typeof credentials.createSsl>,
    headers: Readonly<Record<string, string>>,
  ) => {
    const client = rawClient(server.grpcUrl, channel);
    try {
      return (await overGrpc(client, 'modelInfer', request, headers)).status;
    } finally {
      client.close();
    }
  };
  const trusting = () => credentials.createSsl(ca);
  const key = { 'x-api-key': 'ours' };
  const answers = await Promise.all(Array.from({ length: 6 }, () => asked(trusting(), key)));
  expect(answers).toEqual(answers.map(() => 200));
  expect(await asked(trusting(), {})).toBe(401);
  expect(await asked(credentials.createInsecure(), key)).toBe(503);
  expect(await asked(credentials.createSsl(readFileSync(certificate('other').certFile)), key)).toBe(503);
  expect(await asked(trusting(), key)).toBe(200);
}, 40_000);

test('a server whose certificate does not hold up does not start, and says which setting it is', async () => {
  const start = serving.start({
    replica: 'wrong',
    processes: 2,
    tls: { ...tls, keyFile: certificate('stray').keyFile },
  });
  await expect(start).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('PERDURA_SERVING_TLS_KEY'),
  });
}, 30_000);
