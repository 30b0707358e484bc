import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type LogCollectorOptions, openLogCollector } from '../../../serving/log/collector.ts';
import { inferenceLine } from '../../../serving/log/lines.ts';
import { openLogWriter } from '../../../serving/log/open-log-writer.ts';
import { parseDocument } from '../../../stores/documents.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { until } from '../harness.ts';
import { collectorOptions, rowsOf } from './bucket-rows.ts';
import { loggedRow, open } from './rows.ts';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-collector-'));
  store = createMemoryObjectStore();
});
afterEach(() => rm(folder, { recursive: true }));

const openLog = (differing: Partial<LogCollectorOptions> = {}) =>
  openLogCollector(collectorOptions(folder, { store, ...differing }));
const writerOf = (writer: string, flushEveryMs = 60_000) =>
  openLogWriter({ folder, replica: 'one', writer, flushEveryMs });
const keyOf = (name: string) => `inference/flights/dt=2026-03-01/hr=10/${name}.parquet`;
const fileOf = (name: string) => `${encodeURIComponent(keyOf(name))}.jsonl`;
const plain = { subject: 's', record: '{}', features: '{}', error: null, keyId: null };
const line = (requestId: string) =>
  inferenceLine(loggedRow(requestId), plain, { at: '2026-03-01T10:00:00.000Z', review: false });

test('segments of all writers come to the bucket while these write on, and labels too', async () => {
  const uploaded: string[] = [];
  const collector = await openLog({ onUploaded: (segment, rows) => uploaded.push(`${rows} of ${segment.kind}`) });
  const writers = [writerOf('a1', 100), writerOf('s1', 100)];
  await writers[0]?.append(open, [loggedRow('a'), loggedRow('b')]);
  await writers[1]?.append(open, [loggedRow('a', { shadow: true, arm: 'shadow' })]);
  await writers[0]?.appendLabels(
    'flights',
    [{ requestId: 'a', label: 1, at: '2026-03-01T10:00:00.000Z' }],
    '2026-03-01T11:00:00.000Z',
  );
  await until('all are uploaded', () => uploaded.length === 3);
  expect(uploaded.toSorted()).toEqual(['1 of inference', '1 of labels', '2 of inference']);
  expect((await rowsOf(store)).map(({ requestId, arm }) => `${requestId} ${arm}`).toSorted()).toEqual([
    'a champion',
    'a shadow',
    'b champion',
  ]);
  for (const writer of writers) writer.close();
  await collector.close({ atMostMs: 10_000 });
  expect(collector.pending()).toBe(0);
});

test('a clean end leaves an empty folder', async () => {
  const collector = await openLog();
  const writer = writerOf('a1');
  await writer.append(open, [loggedRow('a')]);
  writer.close();
  await collector.close({ atMostMs: 10_000 });
  expect(await rowsOf(store)).toHaveLength(1);
  expect(await readdir(join(folder, 'one'))).toEqual(['lock.duckdb']);
});

test('a segment that was uploaded but not yet put away is not uploaded twice', async () => {
  const collector = await openLog();
  const writer = writerOf('a1');
  await writer.append(open, [loggedRow('a')]);
  writer.close();
  const [name = ''] = await readdir(join(folder, 'one', 'a1'));
  const content = await readFile(join(folder, 'one', 'a1', name));
  await collector.close({ atMostMs: 10_000 });
  await mkdir(join(folder, 'one', 'a1'));
  await writeFile(join(folder, 'one', 'a1', name), content);
  await (await openLog()).close({ atMostMs: 10_000 });
  expect(await store.versions(decodeURIComponent(name.slice(0, -'.jsonl'.length)))).toHaveLength(1);
  expect(await readdir(join(folder, 'one'))).toEqual(['lock.duckdb']);
});

test('an empty segment leaves nothing, a damaged one is set aside and named', async () => {
  await mkdir(join(folder, 'one', 'a1'), { recursive: true });
  await writeFile(join(folder, 'one', 'a1', fileOf('one-a1-x-1')), '');
  await writeFile(join(folder, 'one', 'a1', fileOf('one-a1-x-2')), 'damaged\n');
  const reports: string[] = [];
  const collector = await openLog({ report: (text) => reports.push(text) });
  await until('both are seen to', () => reports.length === 1 && collector.pending() === 0);
  await collector.close({ atMostMs: 10_000 });
  expect(await readdir(join(folder, 'one', 'a1'))).toEqual([`${fileOf('one-a1-x-2')}.damaged`]);
  expect(reports).toEqual([expect.stringContaining(fileOf('one-a1-x-2'))]);
});

test('what a server of one process left beside the folders of writers is brought too', async () => {
  await mkdir(join(folder, 'one'));
  await writeFile(join(folder, 'one', fileOf('one-1-abc-0')), line('a'));
  await (await openLog()).close({ atMostMs: 10_000 });
  expect((await rowsOf(store)).map(({ requestId }) => requestId)).toEqual(['a']);
});

test('segments of a replica that never comes back are uploaded by the next one on the same disk', async () => {
  await mkdir(join(folder, 'gone', 'a1'), { recursive: true });
  await writeFile(join(folder, 'gone', 'a1', `${fileOf('gone-a1-x-0')}.open`), line('a'));
  await writeFile(join(folder, 'gone', fileOf('gone-x-1')), line('b'));
  const uploaded: number[] = [];
  const collector = await openLog({ onUploaded: (_, rows) => uploaded.push(rows) });
  await until('both are in the bucket', async () => (await rowsOf(store)).length === 2);
  await collector.close({ atMostMs: 10_000 });
  expect(await readdir(join(folder, 'gone'))).toEqual(['lock.duckdb']);
  expect(uploaded).toEqual([]);
});

test('answers that wait for a person are in the queue of their endpoint', async () => {
  const collector = await openLog();
  const writer = writerOf('a1');
  const policy = { ...open, review: { below: 0.6 } };
  await writer.append(policy, [
    loggedRow('sure', { confidence: 0.9 }),
    loggedRow('unsure', { confidence: 0.55, record: { a: 1 } }),
  ]);
  writer.close();
  await collector.close({ atMostMs: 10_000 });
  const queues: string[] = [];
  for await (const { key } of store.list('reviews/flights/open/')) queues.push(key);
  expect(queues).toEqual([expect.stringMatching(/^reviews\/flights\/open\/one-a1-[a-z0-9]+-0\.json$/)]);
  const { bytes } = await store.read(queues[0] ?? '');
  expect(parseDocument(queues[0] ?? '', bytes)).toEqual({
    items: [
      {
        requestId: 'unsure',
        at: expect.stringMatching(/Z$/),
        model: 'flights',
        modelVersion: '3',
        answer: '{"late":0.25}',
        confidence: 0.55,
        record: '{"a":1}',
        features: '{"age":42,"distance":0.1}',
        keyId: null,
      },
    ],
  });
});

test('without the bucket all stays on the disk, and the next start brings it', async () => {
  const down = () => Promise.reject(new Error('the bucket is away'));
  const reports: string[] = [];
  const collector = await openLog({ store: { ...store, write: down }, report: (text) => reports.push(text) });
  const writer = writerOf('a1');
  await writer.append(open, [loggedRow('a')]);
  writer.close();
  await collector.close({ atMostMs: 300 });
  expect(reports[0]).toContain('the bucket is away');
  await (await openLog()).close({ atMostMs: 10_000 });
  expect(await rowsOf(store)).toHaveLength(1);
});
