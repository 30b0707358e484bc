import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { InferenceRow } from '../../../domain/inference.ts';
import type { LogWriter } from '../../../serving/log/log-writer.ts';
import { openLogWriter } from '../../../serving/log/open-log-writer.ts';
import { createRowLog } from '../../../serving/log/row-log.ts';
import { keeping, loggedRow, open } from './rows.ts';

let folder: string;
let writer: LogWriter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-writer-'));
  writer = openLogWriter({ folder, replica: 'one', writer: 'a1', flushEveryMs: 60_000 });
});
afterEach(async () => {
  writer.close();
  await rm(folder, { recursive: true });
});

const files = () => readdir(join(folder, 'one', 'a1'));

/** The rows of all segments, open or closed. */
async function lines(): Promise<readonly InferenceRow[]> {
  const names = (await files()).filter((name) => name.includes('.parquet.jsonl'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'one', 'a1', name), 'utf8')));
  return texts.flatMap((text) => text.split('\n').slice(0, -1)).map((line) => JSON.parse(line) as InferenceRow);
}

test('rows are in the open segment before their answer goes out', async () => {
  await Promise.all(['a', 'b'].map((id) => writer.append(open, [loggedRow(id)])));
  expect((await lines()).map(({ requestId }) => requestId)).toEqual(['a', 'b']);
  const names = await files();
  expect(names.filter((name) => name.endsWith('.jsonl.open'))).toHaveLength(1);
  expect(names.filter((name) => name.endsWith('.process'))).toHaveLength(1);
});

test('a closed log leaves closed segments and no sign of a process', async () => {
  await writer.append(open, [loggedRow('a')]);
  writer.close();
  expect((await files()).map((name) => name.replace(/^.*(?=\.parquet)/, ''))).toEqual(['.parquet.jsonl']);
});

test('a row comes through as it was, whatever is in it', async () => {
  const row = loggedRow('id "1" \\ ","shadow": \n', {
    error: 'half \ud800',
    caller: 'key-1',
    cost: 1e-9,
    output: Number.NaN,
  });
  await writer.append(open, [row]);
  const [line] = await lines();
  expect(line).toMatchObject({
    requestId: row.requestId,
    error: 'half �',
    caller: 'key-1',
    cost: 1e-9,
    subject: 'ü😀',
  });
  expect(line?.output).toBeUndefined();
  expect(line?.record).toBe(JSON.stringify(row.record));
  expect([line?.features, line?.answer]).toEqual([JSON.stringify(row.features), '{"late":0.25}']);
});

test('features that are no JSON do not lose the row', async () => {
  await writer.append(open, [loggedRow('a', { features: { count: 1n as unknown as number } })]);
  expect((await lines())[0]?.features).toBe('"[object Object]"');
});

test('a log that cannot be written answers DISK_FULL instead of forgetting', async () => {
  await rm(folder, { recursive: true });
  await expect(writer.append(open, [loggedRow('a')])).rejects.toMatchObject({ code: 'DISK_FULL' });
  await mkdir(folder);
});

test('a segment holds one endpoint and one hour, and is closed when it is full', async () => {
  const log = createRowLog({
    folder,
    name: 'one-a1-x',
    flushEveryMs: 60_000,
    maxRows: 3,
    beforeWrite: () => undefined,
  });
  const append = (endpoint: string, at: string) => log.append('inference', endpoint, at, 'line\n');
  await Promise.all([append('flights', '2026-03-01T10:59:59.999Z'), append('flights', '2026-03-01T11:00:00.000Z')]);
  await append('other', '2026-03-01T11:00:00.000Z');
  await append('flights', '2026-03-01T11:00:00.001Z');
  await append('flights', '2026-03-01T11:00:00.002Z');
  const found = async () =>
    (await readdir(folder))
      .filter((name) => name !== 'one')
      .map(decodeURIComponent)
      .toSorted();
  expect(await found()).toEqual([
    'inference/flights/dt=2026-03-01/hr=10/one-a1-x-0.parquet.jsonl',
    'inference/flights/dt=2026-03-01/hr=11/one-a1-x-1.parquet.jsonl',
    'inference/other/dt=2026-03-01/hr=11/one-a1-x-2.parquet.jsonl.open',
  ]);
  log.close();
  expect((await found())[2]).toBe('inference/other/dt=2026-03-01/hr=11/one-a1-x-2.parquet.jsonl');
});

test('a sample is chosen by the first bytes of the hash of the id, a shadow with its request', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `request-${index}`);
  const rows = ids.flatMap((id) => [loggedRow(id), loggedRow(id, { shadow: true, arm: 'shadow', modelVersion: '4' })]);
  await writer.append(keeping({ sample: 0.1 }), rows);
  const kept = await lines();
  // python3 -c "import hashlib; print(sum(int.from_bytes(hashlib.sha256(f'request-{i}'.encode()).digest()[:4],'big') < 0.1*2**32 for i in range(1000)))"
  expect(kept.filter(({ shadow }) => !shadow)).toHaveLength(92);
  const idsOf = (shadow: boolean) => kept.filter((row) => row.shadow === shadow).map(({ requestId }) => requestId);
  expect(idsOf(true)).toEqual(idsOf(false));
});

test('redacted columns reach no disk, neither raw nor as features nor in an error', async () => {
  const policy = keeping({ redact: ['age', 'text'] });
  await writer.append(policy, [
    loggedRow('a', { status: 500, error: "FEATURES_INVALID: Feature 'age' must be 1, got 42." }),
  ]);
  const [line] = await lines();
  expect(line).toMatchObject({ record: '{"origin":"SFO"}', features: '{"distance":0.1}', error: 'FEATURES_INVALID' });
});

test('an answer that is less sure than the policy asks waits for review; a shadow and a failure do not', async () => {
  const policy = { ...open, review: { below: 0.8 } };
  await writer.append(policy, [
    loggedRow('unsure'),
    loggedRow('sure', { confidence: 0.8 }),
    loggedRow('number', { confidence: null }),
    loggedRow('unsure', { shadow: true }),
    loggedRow('failed', { status: 500 }),
  ]);
  expect((await lines()).map(({ review }) => review)).toEqual([true, false, false, false, false]);
});

test('a request that came twice is one answer of a shadow', async () => {
  const shadow = { shadow: true, arm: 'shadow' };
  await writer.append(open, [loggedRow('a', shadow), loggedRow('a', { ...shadow, modelVersion: '4' })]);
  await writer.append(open, [loggedRow('a', shadow)]);
  expect((await lines()).map(({ modelVersion }) => modelVersion)).toEqual(['3', '4']);
});
