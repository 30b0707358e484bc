import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { bundleKey, type CapsuleManifest } from '../../audit/capsule.ts';
import { replayRun } from '../../audit/replay.ts';
import { reportLines } from '../../audit/report.ts';
import { openSigningKey } from '../../stores/signing/signing.ts';
import { type RunKey, evidenceFolder, runFolder } from '../../domain/run.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3Client } from '../../stores/objects/s3-client.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { type Capsule, alter, replayIn, sealIn } from './fixtures/capsules.ts';
import { bytesOf, fillBucket } from './fixtures/bucket.ts';
import { type Recording, recordRuns } from './fixtures/record.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { restartableS3 } from '../support/restartable-s3.ts';
import { tamper } from './fixtures/tamper.ts';

let recording: Recording;

beforeAll(async () => {
  recording = await recordRuns();
}, 60_000);

afterAll(() => recording.remove());

const seal = (capsule: Capsule, keys = 'keys') => sealIn(recording, capsule, keys);
const replay = (capsule: Capsule) => replayIn(recording, capsule);

async function sealed(store: ObjectStore = createMemoryObjectStore()): Promise<Capsule> {
  const capsule = { store, ...(await fillBucket(store, recording)) };
  await seal(capsule);
  return capsule;
}

test('a sealed run replays as identical from the bucket alone', async () => {
  const capsule = await sealed();
  const report = await replay(capsule);
  expect(report.firstDifference).toBeNull();
  expect(report.verdict).toBe('IDENTICAL');
  expect(reportLines(capsule.run, report).join('\n')).toMatch(/strict replay +release\/.+: 6 commands.+IDENTICAL/s);
  expect(report.checks).toContainEqual(
    expect.objectContaining({ name: 'verdicts', detail: expect.stringContaining('decisions: 1, findings: 1') }),
  );
});

test('a package is sealed with its signature', async () => {
  const { store, run } = await sealed();
  const { bytes } = await store.read(`${evidenceFolder(run)}manifest.json`);
  const { entries } = JSON.parse(Buffer.from(bytes).toString()) as CapsuleManifest;
  expect(entries.map(({ key }) => key)).toContain('models/flights/1/model.sig');
});

test('sealing again finds the same capsule and writes nothing', async () => {
  const capsule = await sealed();
  const again = await seal(capsule);
  const key = `${evidenceFolder(capsule.run)}manifest.json`;
  expect(again).toEqual({ manifestKey: key, root: expect.stringMatching(/^[0-9a-f]{64}$/), objects: 15 });
  expect(await capsule.store.versions(key)).toHaveLength(1);
});

test('a sealing that died before it signed is finished with the same manifest', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const key = `${evidenceFolder(run)}manifest.json`;
  const fails = { ...store, write: refuse(store.write, `${evidenceFolder(run)}manifest.sigstore.json`) };
  await expect(seal({ store: fails, run, parts })).rejects.toThrow('cut off');
  const before = await store.read(key);
  await seal({ store, run, parts });
  expect(await store.head(key)).toEqual(before.version);
  expect((await replay({ store, run, parts })).verdict).toBe('IDENTICAL');
});

test('a run that was never sealed is not found', async () => {
  const run = { pipeline: 'release', workflowId: 'release/none', runId: 'none' };
  const store = createMemoryObjectStore();
  await expect(replayRun({ store, cacheFolder: recording.folder }, run)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test.each(['histories/1.json', 'histories/2.json', 'lockfile.json', 'manifest.json', 'manifest.sigstore.json'])(
  'one changed byte of %s is named',
  async (name) => {
    const capsule = await sealed();
    const key = evidenceFolder(capsule.run) + name;
    await alter(capsule.store, key);
    const report = await replay(capsule);
    expect(report.verdict).toBe('DIFFERENT');
    expect(report.firstDifference).toContain(key);
  },
);

test.each([
  ['the archived bundle', () => bundleKey(recording.bundleSha256)],
  ['a package file', () => 'models/flights/1/model.onnx'],
  ['the outcome', (run: RunKey) => `${runFolder(run)}outcome.json`],
])('one changed byte of %s is named', async (_, keyOf) => {
  const capsule = await sealed();
  await alter(capsule.store, keyOf(capsule.run));
  expect((await replay(capsule)).firstDifference).toContain(`${keyOf(capsule.run)} was overwritten`);
});

test('a newer arrival under the key of a pinned data file changes nothing', async () => {
  const capsule = await sealed();
  await capsule.store.write('data/flights/january.parquet', Buffer.from('corrected'));
  expect((await replay(capsule)).verdict).toBe('IDENTICAL');
});

test.each([
  ['activity result', { event: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED', from: '0.95', to: '0.93' }],
  ['workflow input', { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', from: 'flights', to: 'freight' }],
  ['recorded result', { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED', from: 'promoted', to: 'rejected' }],
])('a changed %s breaks the seal', async (_, change) => {
  const capsule = await sealed();
  const key = `${evidenceFolder(capsule.run)}histories/1.json`;
  await capsule.store.write(key, Buffer.from(tamper(recording.release[0], change).historyJson));
  expect((await replay(capsule)).firstDifference).toContain(`${key} was overwritten`);
});

test('a forged capsule, signed anew with another key, is refused by a reader who knows the key', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  await seal({ store, run, parts }, 'forger');
  const { publicPem } = await openSigningKey(join(recording.folder, 'keys'));
  const report = await replayRun({ store, cacheFolder: join(recording.folder, 'cache'), publicKey: publicPem }, run);
  expect(report.firstDifference).toContain('manifest.sigstore.json does not hold: The signature names key');
});

test('a capsule whose history does not follow from its code is different although the signature holds', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const change = { event: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED', from: '0.95', to: '0.93' };
  const [own, ...children] = parts.histories;
  if (own === undefined) throw new Error('no history');
  const forged = { store, run, parts: { ...parts, histories: [tamper(own, change), ...children] } };
  await seal(forged);
  const report = await replay(forged);
  expect(report.checks.filter(({ status }) => status === 'failed').map(({ name }) => name)).toEqual(['strict replay']);
  expect(report.firstDifference).toContain('the history says 0.95, the archived code 0.93');
});

test('an outcome that is not what the history says is different although the signature holds', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const key = `${runFolder(run)}outcome.json`;
  await store.write(key, bytesOf({ ...run, status: 'completed', result: { outcome: 'rejected' } }));
  await seal({ store, run, parts });
  expect((await replay({ store, run, parts })).firstDifference).toContain(`${key}: at $.result`);
});

test('on an S3 server a locked version cannot be deleted, and changes by key or on the disk are named', async () => {
  const server = await restartableS3();
  await ensureBucket(server.s3);
  const store = createS3ObjectStore(server.s3);
  const client = createS3Client(server.s3);
  try {
    const capsule = await sealed(store);
    expect((await replay(capsule)).firstDifference).toBeNull();

    const key = `${evidenceFolder(capsule.run)}histories/1.json`;
    const { s3VersionId } = await store.head(key);
    const deletion = new DeleteObjectCommand({ Bucket: server.s3.bucket, Key: key, VersionId: s3VersionId });
    await expect(client.send(deletion)).rejects.toMatchObject({ name: 'AccessDenied' });

    await flipByte(join(server.dataFolder, 'data/flights/january.parquet'));
    expect((await replay(capsule)).firstDifference).toContain('data/flights/january.parquet was altered');
    await flipByte(join(server.dataFolder, 'data/flights/january.parquet'));
    expect((await replay(capsule)).firstDifference).toBeNull();

    await alter(store, key);
    expect((await replay(capsule)).firstDifference).toContain(`${key} was overwritten`);

    await client.send(new DeleteObjectCommand({ Bucket: server.s3.bucket, Key: key }));
    expect((await replay(capsule)).firstDifference).toContain(`${key} was deleted`);
  } finally {
    client.destroy();
    store.close();
    await server.stop();
  }
}, 30_000);

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  // 'r+' keeps the inode and its attributes, as a fault of the disk would.
  await writeFile(file, bytes, { flag: 'r+' });
}

/** A write that is cut off at one key, as a killed process would be. */
function refuse(write: ObjectStore['write'], key: string): ObjectStore['write'] {
  return async (at, ...rest) => {
    if (at === key) throw new Error('cut off');
    return write(at, ...rest);
  };
}
