import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compactSegment } from '../../../serving/log/compact.ts';
import { inferenceLine, rowKey } from '../../../serving/log/lines.ts';
import type { Segment } from '../../../serving/log/segment.ts';
import { literal, openTables, type Tables } from '../../../stores/tables.ts';
import { loggedRow } from './rows.ts';

let folder: string;
let tables: Tables;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-compact-'));
  tables = await openTables();
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true });
});

const at = '2026-03-01T10:00:00.123Z';
const plain = { subject: 's', record: '{"a":1}', features: '{}', error: null, keyId: null };
const line = (requestId: string, differing = {}) =>
  inferenceLine(loggedRow(requestId, differing), plain, { at, review: true });

async function segmentOf(content: string): Promise<Segment> {
  const file = join(await mkdtemp(join(folder, 'segment-')), 'left.jsonl');
  await writeFile(file, content);
  return { kind: 'inference', endpoint: 'flights', key: 'k', file };
}

test('a torn last line is left out and every whole line comes through as it was', async () => {
  const record = JSON.stringify({ text: 'half a pair \ud800, "quotes", \u0000', big: 0.10000000149011612 });
  const row = loggedRow('ü "a"', { caller: 'key', cost: 1e-9 });
  const whole = inferenceLine(row, { ...plain, record, keyId: 'g/k' }, { at, review: false });
  const segment = await segmentOf(whole + line('b', { output: null, confidence: null, answer: null }));
  await appendFile(segment.file, '{"requestId":"torn","subj');
  const parquet = `${segment.file}.parquet`;
  expect(await compactSegment(tables, segment, parquet)).toBe(2);
  const [first, second] = await tables.all(`SELECT * FROM read_parquet(${literal(parquet)})`);
  const { answer, ...values } = row;
  expect(first).toEqual({
    ...values,
    subject: 's',
    at,
    record,
    features: '{}',
    answer: JSON.stringify(answer),
    review: false,
    keyId: 'g/k',
  });
  expect(second).toMatchObject({
    output: null,
    confidence: null,
    answer: null,
    caller: null,
    keyId: null,
    review: true,
  });
  const types = await tables.all(`SELECT name, type, converted_type FROM parquet_schema(${literal(parquet)})`);
  expect(types.find(({ name }) => name === 'at')).toMatchObject({ converted_type: 'TIMESTAMP_MICROS' });
});

test('a line of more than DuckDB takes unasked keeps no other row from the bucket', async () => {
  // DuckDB 1.x refuses a file for a line of more than twice its maximum_object_size of 16 MiB.
  const record = JSON.stringify({ text: '"'.repeat(12 * 1024 * 1024) });
  const long = inferenceLine(loggedRow('long'), { ...plain, record }, { at, review: false });
  const segment = await segmentOf(line('a') + long + line('b'));
  expect(await compactSegment(tables, segment, `${segment.file}.parquet`)).toBe(3);
});

test('a whole line that is no row is an error, never a loss', async () => {
  const segment = await segmentOf(`${line('a')}{"requestId": broken}\n`);
  await expect(compactSegment(tables, segment, `${segment.file}.parquet`)).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining(segment.file),
  });
  expect(await readFile(segment.file, 'utf8')).toContain('broken');
});

test('a request has one live answer whichever arm gave it, and one of each shadow', () => {
  const key = (differing: object) => rowKey(line('a","shadow":true', differing));
  const live = key({});
  expect(key({ arm: 'challenger', model: 'other', modelVersion: '9' })).toBe(live);
  const shadow = key({ shadow: true });
  expect(shadow).not.toBe(live);
  expect(key({ shadow: true, modelVersion: '4' })).not.toBe(shadow);
  expect(rowKey(line('b'))).not.toBe(live);
  expect(rowKey('{"requestId": broken}')).toBeNull();
});
