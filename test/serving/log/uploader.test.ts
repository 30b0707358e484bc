import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createUploader, type Uploader } from '../../../serving/log/uploader.ts';
import type { Segment } from '../../../serving/log/segment.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { openTables, type Tables } from '../../../stores/tables.ts';
import { until } from '../harness.ts';

let folder: string;
let tables: Tables;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-uploader-'));
  tables = await openTables();
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true });
});

type Upload = {
  readonly uploader: Uploader;
  readonly store: ObjectStore;
  readonly reports: string[];
  readonly done: (readonly [key: string, rows: number])[];
};

function newUpload(): Upload {
  const store = createMemoryObjectStore();
  const reports: string[] = [];
  const done: Upload['done'] = [];
  const uploader = createUploader({
    store,
    tables,
    mayGo: () => true,
    onBrought: () => Promise.resolve(),
    onDone: ({ key }, rows) => done.push([key, rows]),
    report: (line) => reports.push(line),
  });
  return { uploader, store, reports, done };
}

function segmentNamed(name: string): Segment {
  return { kind: 'labels', endpoint: 'flights', key: `labels/flights/${name}`, file: join(folder, name) };
}

async function writtenSegment(name: string): Promise<Segment> {
  const segment = segmentNamed(name);
  await writeFile(segment.file, '{"requestId":"a","label":1,"at":"2026-03-01T10:00:00.000Z"}\n');
  return segment;
}

test('a segment whose file is gone is reported once and holds up nothing', async () => {
  const { uploader, store, reports, done } = newUpload();
  const gone = segmentNamed('gone');
  uploader.add(gone);
  const good = await writtenSegment('after-gone');
  uploader.add(good);
  await until('the queue is empty', () => uploader.pending() === 0, { atMostMs: 5_000 });
  await store.head(good.key);
  expect(reports).toEqual([expect.stringContaining(gone.file)]);
  expect(done).toEqual([
    [gone.key, 0],
    [good.key, 1],
  ]);
  await uploader.drain({ atMostMs: 1_000 });
});

test('a segment that fails lets the others through and follows when it can', async () => {
  const { uploader, store, reports, done } = newUpload();
  const failing = await writtenSegment('failing');
  const obstacle = `${failing.file}.tmp`;
  await mkdir(join(obstacle, 'stands here'), { recursive: true });
  const others = [await writtenSegment('second'), await writtenSegment('third')];
  for (const segment of [failing, ...others]) uploader.add(segment);
  await until('the others are done', () => done.length === 2, { atMostMs: 5_000 });
  expect(done.map(([key]) => key)).toEqual(others.map(({ key }) => key));
  expect(uploader.pending()).toBe(1);
  expect(reports[0]).toContain(failing.key);

  await rm(obstacle, { recursive: true });
  await until('the queue is empty', () => uploader.pending() === 0, { atMostMs: 5_000 });
  expect((await store.head(failing.key)).key).toBe(failing.key);
  await uploader.drain({ atMostMs: 1_000 });
});

test('a segment that may not go leaves the queue, and holds up nothing', async () => {
  const { store, reports, done } = newUpload();
  const held = await writtenSegment('held');
  const good = await writtenSegment('after-held');
  const uploader = createUploader({
    store,
    tables,
    mayGo: ({ key }) => key !== held.key,
    onBrought: () => Promise.resolve(),
    onDone: ({ key }, rows) => done.push([key, rows]),
    report: (line) => reports.push(line),
  });
  for (const segment of [held, good]) uploader.add(segment);
  await until('the queue is empty', () => uploader.pending() === 0, { atMostMs: 5_000 });
  expect(done).toEqual([[good.key, 1]]);
  await access(held.file);
  await uploader.drain({ atMostMs: 1_000 });
});
