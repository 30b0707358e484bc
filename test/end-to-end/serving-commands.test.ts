import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { GRPCInferenceService } from '../../serving/protocol/grpc/generated/inference_pb.ts';
import { freePort } from '../../services/ports.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { rawClient } from '../serving/grpc/raw-client.ts';
import { flight, get, post, setRoute, until } from '../serving/harness.ts';
import { perdura } from '../support/cli.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';
import { useTestKey } from '../support/test-key.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { checkout, writeProject } from './project.ts';

const limit = 120_000;
const program = join(checkout, 'dist/cli/main.js');

/** A command that stays up, and the document that it printed. */
type Up = {
  readonly child: ChildProcess;
  readonly says: Readonly<Record<string, string>>;
  readonly stderr: () => string;
};

const folder = temporaryFolder();
const up: ChildProcess[] = [];
let settings: Readonly<Record<string, string>> = {};
let dev: Up;

function environment(): Readonly<Record<string, string>> {
  const kept = ['PATH', 'HOME', 'GOPROXY', 'PERDURA_CACHE', 'PERDURA_TEMPORAL_BINARY', 'PERDURA_S3_BINARY'];
  const own = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(own), ...settings };
}

async function start(words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Up> {
  const child = spawn(process.execPath, [program, ...words, '--json'], {
    cwd: folder,
    env: { ...environment(), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  up.push(child);
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  await until(`'perdura ${words.join(' ')}' is up`, () => text.stdout.endsWith('}\n') || child.exitCode !== null, {
    atMostMs: limit / 2,
  });
  if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${text.stdout}${text.stderr}`);
  return { child, says: JSON.parse(text.stdout) as Up['says'], stderr: () => text.stderr };
}

async function end({ child }: Up): Promise<number | null> {
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  return exited;
}

/** Process id of the model server that a command started. */
function serverOf({ child }: Up): number {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(child.pid)])
    .toString()
    .split('\n');
  const line = children.find((each) => each.includes('serving/main.js'));
  if (line === undefined) throw new Error(`There is no model server among: ${children.join('; ')}`);
  return Number.parseInt(line.trim(), 10);
}

const answers = (url: string): Promise<boolean> =>
  post(url, '/endpoints/flights/predict', { record: flight }).then(
    ({ status }) => status === 200,
    () => false,
  );

async function modelReady(address: string): Promise<boolean> {
  const client = rawClient(address);
  try {
    return (await client.call(GRPCInferenceService.method.modelReady, { name: 'flights' })).ready;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  await writeProject(folder, { empty: { 'pipeline.ts': 'export async function empty() {}\n' } });
  await useTestKey(join(folder, 'home'));
  settings = {
    PERDURA_HOME: 'home',
    PERDURA_SERVING_PORT: String(await freePort()),
    PERDURA_SERVING_GRPC_PORT: String(await freePort()),
    PERDURA_SERVING_ADMIN_PORT: String(await freePort()),
  };
  dev = await start(['dev']);
  const { s3 } = dev.says['addresses'] as unknown as {
    readonly s3: { endpoint: string; region: string; bucket: string };
  };
  const keys = JSON.parse(await readFile(join(folder, 'home/keys/s3.json'), 'utf8')) as {
    accessKeyId: string;
    secretAccessKey: string;
  };
  const store = createS3ObjectStore({ ...s3, ...keys });
  const champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  await setRoute(store, 'flights', { champion });
  store.close();
}, limit);

afterAll(async () => {
  for (const child of up.toReversed()) {
    if (child.exitCode === null && child.signalCode === null) await end({ child, says: {}, stderr: () => '' });
  }
  await removeFolders();
}, limit);

test(
  'perdura dev says where its model server answers on REST, gRPC and for its operator, and the doctor knows its ports',
  async () => {
    const { modelServer = '', grpcUrl = '', adminUrl = '' } = dev.says;
    const ports = [modelServer, `http://${grpcUrl}`, adminUrl].map((url) => new URL(url).port);
    expect(ports).toEqual([
      settings['PERDURA_SERVING_PORT'],
      settings['PERDURA_SERVING_GRPC_PORT'],
      settings['PERDURA_SERVING_ADMIN_PORT'],
    ]);
    await until('an answer', () => answers(modelServer));
    expect(await modelReady(grpcUrl)).toBe(true);
    expect((await get(adminUrl, '/ready')).body).toEqual({ ready: true, problems: [] });
    expect(await (await fetch(`${adminUrl}/metrics`)).text()).toContain('perdura_requests_total');
    const doctor = await perdura(['doctor', '--json'], { folder, environment: settings });
    const { checks } = JSON.parse(doctor.stdout) as { readonly checks: readonly { name: string; status: string }[] };
    expect(checks.filter(({ name }) => name.startsWith('port ')).map(({ status }) => status)).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
  },
  limit,
);

test(
  'a model server that is killed comes back at the same three addresses',
  async () => {
    const { modelServer = '', grpcUrl = '', adminUrl = '' } = dev.says;
    const killed = serverOf(dev);
    process.kill(killed, 'SIGKILL');
    await until('it was started again', () => dev.stderr().includes('starting it again'));
    await until('an answer', () => answers(modelServer));
    await until('an answer over gRPC', () => modelReady(grpcUrl));
    await until('readiness', async () => (await get(adminUrl, '/ready')).status === 200);
    expect(serverOf(dev)).not.toBe(killed);
  },
  limit,
);

test(
  'perdura serve beside it answers from the same bucket on ports of its own, and ends with 0',
  async () => {
    const free = { PERDURA_SERVING_PORT: '', PERDURA_SERVING_GRPC_PORT: '', PERDURA_SERVING_ADMIN_PORT: '' };
    const second = await start(['serve', '--processes', '2'], free);
    const { url = '', grpcUrl = '', adminUrl = '' } = second.says;
    expect(new Set([url, grpcUrl, adminUrl, ...Object.values(dev.says)]).size).toBeGreaterThan(5);
    expect(await answers(url)).toBe(true);
    expect(await modelReady(grpcUrl)).toBe(true);
    expect((await get(adminUrl, '/ready')).status).toBe(200);
    expect(await end(second)).toBe(0);
    await expect(get(url, '/v2/health/live')).rejects.toThrow('fetch failed');
  },
  limit,
);

test(
  'Ctrl-C ends perdura dev, its model server and the services',
  async () => {
    expect(await end(dev)).toBe(0);
    await expect(get(dev.says['modelServer'] ?? '', '/v2/health/live')).rejects.toThrow('fetch failed');
    const { s3 } = dev.says['addresses'] as unknown as { readonly s3: { endpoint: string } };
    await expect(fetch(s3.endpoint)).rejects.toThrow('fetch failed');
  },
  limit,
);
