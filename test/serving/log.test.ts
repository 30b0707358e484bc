import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { InferenceRow } from '../../domain/inference.ts';
import { compactSegment } from '../../serving/log/compact.ts';
import { openInferenceLog } from '../../serving/log/inference-log.ts';
import { createRowLog } from '../../serving/log/row-log.ts';
import type { Segment } from '../../serving/log/segment.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';
import { until } from './harness.ts';

const row = (requestId: string, at: string): InferenceRow => ({
  requestId,
  subject: 'ü😀',
  at,
  endpoint: 'flights',
  epoch: 7,
  arm: 'champion',
  model: 'flights',
  modelVersion: '3',
  shadow: false,
  status: 200,
  error: null,
  latencyMs: 0.125,
  output: 0.25,
  record: JSON.stringify({ text: 'half a pair \ud800, "quotes", \u0000' }),
  features: '{}',
});
const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-log-'));
  folders.push(folder);
  return folder;
}
const flights = { kind: 'inference', endpoint: 'flights' } as const;

let tables: Tables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(async () => {
  tables.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

function openRows(folder: string, closed: Segment[]) {
  const options = { replica: 'one', startId: '1-abc', flushEveryMs: 60_000, maxRows: 3 };
  return createRowLog({ folder, ...options, onClosed: (segment) => closed.push(segment) });
}

test('rows of one turn and endpoint are in the file before their answer goes out', async () => {
  const folder = await newFolder();
  const log = openRows(folder, []);
  await Promise.all(
    ['a', 'b'].map((id) => log.append(flights, '2026-03-01T10:00:00.000Z', row(id, '2026-03-01T10:00:00.000Z'))),
  );
  const [name = ''] = await readdir(folder);
  const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
  expect(lines.map((line) => (line === '' ? null : (JSON.parse(line) as InferenceRow).requestId))).toEqual([
    'a',
    'b',
    null,
  ]);
  log.close();
});

test('a segment holds one endpoint and one hour, and is closed when it is full', async () => {
  const closed: Segment[] = [];
  const log = openRows(await newFolder(), closed);
  const append = (endpoint: string, at: string) => log.append({ kind: 'inference', endpoint }, at, row('a', at));
  await append('flights', '2026-03-01T10:59:59.999Z');
  await append('flights', '2026-03-01T11:00:00.000Z');
  await append('other', '2026-03-01T11:00:00.000Z');
  await append('flights', '2026-03-01T11:00:00.001Z');
  await append('flights', '2026-03-01T11:00:00.002Z');
  expect(closed.map(({ key, rows }) => [key, rows])).toEqual([
    ['inference/flights/dt=2026-03-01/hr=10/one-1-abc-0.parquet', 1],
    ['inference/flights/dt=2026-03-01/hr=11/one-1-abc-1.parquet', 3],
  ]);
  log.close();
  expect(closed[2]?.key).toBe('inference/other/dt=2026-03-01/hr=11/one-1-abc-2.parquet');
});

test('a log that cannot be written answers DISK_FULL instead of forgetting', async () => {
  const log = openRows(join(await newFolder(), 'not there'), []);
  const written = log.append(flights, '2026-03-01T10:00:00.000Z', row('a', '2026-03-01T10:00:00.000Z'));
  await expect(written).rejects.toMatchObject({ code: 'DISK_FULL' });
});

async function leftSegment(content: string): Promise<Segment> {
  const file = join(await newFolder(), 'left.jsonl');
  await writeFile(file, content);
  return { ...flights, key: 'k', file, rows: null };
}

test('a torn last line is left out and every whole line comes through as it was', async () => {
  const whole = [row('a', '2026-03-01T10:00:00.123Z'), row('b', '2026-03-01T10:00:01.000Z')];
  const segment = await leftSegment(whole.map((item) => `${JSON.stringify(item)}\n`).join(''));
  await appendFile(segment.file, '{"requestId":"torn","subj');
  const parquet = `${segment.file}.parquet`;
  expect(await compactSegment(tables, segment, parquet)).toBe(2);
  expect(await tables.all(`SELECT * FROM read_parquet(${literal(parquet)})`)).toEqual(whole);
  const types = await tables.all(`SELECT name, type, converted_type FROM parquet_schema(${literal(parquet)})`);
  expect(types.find(({ name }) => name === 'at')).toMatchObject({ converted_type: 'TIMESTAMP_MICROS' });
});

test('a whole line that is no row is an error, never a loss', async () => {
  const segment = await leftSegment(`${JSON.stringify(row('a', '2026-03-01T10:00:00.000Z'))}\n{"requestId": broken}\n`);
  const compacted = compactSegment(tables, segment, `${segment.file}.parquet`);
  await expect(compacted).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining(segment.file),
  });
});

const openLog = (folder: string, store = createMemoryObjectStore(), reports: string[] = []) =>
  openInferenceLog({
    store,
    folder,
    replica: 'one',
    flushEveryMs: 60_000,
    onUploaded: () => undefined,
    report: (line) => reports.push(line),
  });

test('a segment that was uploaded but not yet deleted is not uploaded twice', async () => {
  const folder = await newFolder();
  const store = createMemoryObjectStore();
  const at = '2026-03-01T10:00:00.000Z';
  const log = await openLog(folder, store);
  await log.append(row('a', at));
  const [name = ''] = (await readdir(join(folder, 'one'))).filter((file) => file.endsWith('.jsonl'));
  const content = await readFile(join(folder, 'one', name));
  await log.close({ atMostMs: 10_000 });
  await writeFile(join(folder, 'one', name), content);
  await (await openLog(folder, store)).close({ atMostMs: 10_000 });
  const key = decodeURIComponent(name.slice(0, -'.jsonl'.length));
  expect(await store.versions(key)).toHaveLength(1);
  expect(await readdir(join(folder, 'one'))).toEqual(['lock.duckdb']);
});

test('an empty segment leaves nothing, a damaged one is set aside and named', async () => {
  const folder = await newFolder();
  await (await openLog(folder)).close({ atMostMs: 1_000 });
  const name = (sequence: number) =>
    join(folder, 'one', `${encodeURIComponent(`inference/flights/dt=2026-03-01/hr=10/one-${sequence}.parquet`)}.jsonl`);
  await writeFile(name(1), '');
  await writeFile(name(2), 'damaged\n');
  const reports: string[] = [];
  const log = await openLog(folder, createMemoryObjectStore(), reports);
  await until('both are seen to', async () => (await readdir(join(folder, 'one'))).length === 2);
  await log.close({ atMostMs: 1_000 });
  expect((await readdir(join(folder, 'one'))).toSorted()).toEqual(
    [`${name(2).slice(join(folder, 'one').length + 1)}.damaged`, 'lock.duckdb'].toSorted(),
  );
  expect(reports).toEqual([expect.stringContaining(name(2))]);
});

test('segments of a replica that never comes back are uploaded by the next one on the same disk', async () => {
  const folder = await newFolder();
  const store = createMemoryObjectStore();
  const key = 'inference/flights/dt=2026-03-01/hr=10/gone-1.parquet';
  await mkdir(join(folder, 'gone'));
  const file = join(folder, 'gone', `${encodeURIComponent(key)}.jsonl`);
  await writeFile(file, `${JSON.stringify(row('a', '2026-03-01T10:00:00.000Z'))}\n`);
  const log = await openLog(folder, store);
  await log.close({ atMostMs: 10_000 });
  expect((await store.head(key)).key).toBe(key);
  expect(await readdir(join(folder, 'gone'))).toEqual(['lock.duckdb']);
});
