import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Aggregates } from '../../../domain/aggregate.ts';
import type { FeatureModule, FeatureRow } from '../../../domain/features.ts';
import { checkFeatures, type FeatureCheckRequest } from '../../../stores/online/check-features.ts';
import { literal, openTables, type Tables } from '../../../stores/tables.ts';

const aggregates: Aggregates = {
  dataset: 'flights',
  time: 'date',
  gap: '1 hour',
  values: { delay: { function: 'mean', of: 'delay', by: ['origin', 'direct'], over: '3 hours' } },
};
const module: FeatureModule = {
  record: { date: 'timestamp', origin: 'string', direct: 'boolean', distance: 'number' },
  features: (record, past) => ({
    hour: `${new Date(Number(record['date'])).getUTCHours()}h`,
    distance: Number(record['distance']) / 3,
    delay: past['delay'] ?? -1,
  }),
  aggregates,
};
const record = { date: '2001-03-04 14:30:00', origin: "O'Hare 🛫", direct: true, distance: 1000 };
const right = { hour: '14h', distance: 1000 / 3, delay: 20 };
const events = `(SELECT * FROM (VALUES
  (TIMESTAMP '2001-03-04 00:00', 'x', true, 0), (TIMESTAMP '2001-03-04 11:00', 'O''Hare 🛫', true, 10),
  (TIMESTAMP '2001-03-04 13:00', 'O''Hare 🛫', true, 30), (TIMESTAMP '2001-03-04 13:00', 'O''Hare 🛫', false, 900),
  (TIMESTAMP '2001-03-04 13:40', 'O''Hare 🛫', true, 900), (TIMESTAMP '2001-03-05 00:00', 'x', true, 0)
) AS flights(date, origin, direct, delay))`;

let folder: string;
let tables: Tables;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-check-'));
  tables = await openTables({ temporaryFolder: folder });
});

afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

type Logged = {
  readonly requestId: string;
  readonly record?: object | null;
  readonly features?: FeatureRow;
  readonly status?: number;
  readonly at?: string;
  readonly modelVersion?: string;
};

let files = 0;
async function parquet(sql: string): Promise<string> {
  const file = join(folder, `${(files += 1)}.parquet`);
  await tables.all(`COPY (SELECT * FROM ${sql}) TO ${literal(file)} (FORMAT parquet)`);
  return file;
}

async function logOf(rows: readonly Logged[]): Promise<string> {
  const values = rows.map((row) => {
    const texts = [row.requestId, row.at ?? '2001-03-04T14:30:01.000Z', 'flights', row.modelVersion ?? '1'];
    const documents = [
      JSON.stringify(row.record === undefined ? record : row.record),
      JSON.stringify(row.features ?? right),
    ];
    return `(${[...texts, ...documents].map(literal).join(', ')}, ${row.status ?? 200}, false)`;
  });
  return parquet(
    `(SELECT * FROM (VALUES ${values.join(', ')}) AS log(requestId, "at", model, modelVersion, record, features, status, shadow))`,
  );
}

async function check(rows: readonly Logged[], options: Partial<FeatureCheckRequest> = {}) {
  return checkFeatures(tables, {
    endpoint: 'flights',
    inferenceFiles: [await logOf(rows)],
    eventFiles: [await parquet(events)],
    since: null,
    moduleOf: () => Promise.resolve(module),
    scratchFolder: join(folder, 'scratch'),
    ...options,
  });
}

const same = (feature: string, compared = 1) => ({
  feature,
  compared,
  different: 0,
  largestDifference: null,
  requests: [],
});

test('answers whose features the lake gives again have no skew, to the last bits of a sum', async () => {
  const found = await check([{ requestId: 'a' }, { requestId: 'b', features: { ...right, delay: 20 + 1e-10 } }]);
  const features = [same('delay', 2), same('distance', 2), same('hour', 2)];
  expect(found).toEqual({ endpoint: 'flights', requests: 2, notCovered: 0, hidden: 0, features });
  expect(await readdir(join(folder, 'scratch'))).toEqual([]);
});

test('a feature that was served otherwise is named with its requests and how far it was off', async () => {
  const stale = ['1', '2', '3', '4', '5', '6'].map((requestId) => ({ requestId, features: { ...right, delay: -1 } }));
  const wrong = { requestId: '7', features: { ...right, hour: '7h', delay: 22 } };
  const { features } = await check([...stale, wrong, { requestId: '8' }]);
  expect(features).toMatchObject([
    { feature: 'delay', compared: 8, different: 7, largestDifference: 21 },
    { feature: 'hour', compared: 8, different: 1, largestDifference: null, requests: ['7'] },
    same('distance', 8),
  ]);
  expect(features[0]?.requests).toHaveLength(5);
});

test('a feature that one side lacks is a difference', async () => {
  const { hour, ...rest } = right;
  const { features } = await check([{ requestId: 'a', features: { ...rest, surplus: 1 } }]);
  expect(hour).toBe('14h');
  expect(features.filter(({ different }) => different === 1).map(({ feature }) => feature)).toEqual([
    'hour',
    'surplus',
  ]);
});

test('an answer with hidden columns is told and not compared, one of tensors is not among them', async () => {
  const { distance, ...redacted } = record;
  const sealed = { requestId: 'sealed', features: { ...right, delay: { enc: 'x' } as unknown as number } };
  const tensors = { requestId: 'tensors', record: null };
  const found = await check([{ requestId: 'a' }, { requestId: 'redacted', record: redacted }, sealed]);
  expect(distance).toBe(1000);
  expect(found).toMatchObject({ requests: 3, notCovered: 0, hidden: 2, features: [{ compared: 1 }, {}, {}] });
  expect(await check([tensors])).toMatchObject({ requests: 0, hidden: 0 });
});

test('only answered requests count, each once, from `since` on', async () => {
  const rows = [
    { requestId: 'a' },
    { requestId: 'a' },
    { requestId: 'failed', status: 500, features: {} },
    { requestId: 'old', at: '2001-03-04T13:59:59.000Z', features: { ...right, delay: 0 } },
  ];
  expect(await check(rows, { since: '2001-03-04T14:00:00Z' })).toMatchObject({ requests: 1, notCovered: 0 });
  expect(await check([{ requestId: 'failed', status: 500 }])).toMatchObject({ requests: 0, features: [] });
  expect(await check([{ requestId: 'a' }], { inferenceFiles: [] })).toMatchObject({ requests: 0, features: [] });
});

test('an answer whose windows the snapshot does not reach, before or behind, is told and not compared', async () => {
  const late = { requestId: 'late', record: { ...record, date: '2001-03-05T02:00:00' } };
  const early = { requestId: 'early', record: { ...record, date: '2001-03-04T03:59:00Z' } };
  const edge = { requestId: 'edge', record: { ...record, date: '2001-03-05T01:00:00Z' }, features: { hour: '1h' } };
  const found = await check([late, early, edge]);
  expect(found).toMatchObject({ requests: 3, notCovered: 2 });
  expect(found.features.find(({ feature }) => feature === 'hour')).toMatchObject({ compared: 1, different: 0 });
});

test('each version is checked by its own module, and one without aggregates needs no events', async () => {
  const plain: FeatureModule = {
    ...module,
    features: ({ distance = 0 }) => ({ distance: Number(distance) }),
    aggregates: null,
  };
  const rows = [{ requestId: 'one' }, { requestId: 'two', modelVersion: '2', features: { distance: 999 } }];
  const found = await check(rows, { moduleOf: (_, version) => Promise.resolve(version === '2' ? plain : module) });
  const skew = { feature: 'distance', compared: 2, different: 1, largestDifference: 1, requests: ['two'] };
  expect(found.features.find(({ different }) => different > 0)).toEqual(skew);
  const alone = await check([{ requestId: 'x', features: { distance: 1000 } }], {
    moduleOf: () => Promise.resolve(plain),
    eventFiles: [],
  });
  expect(alone.features).toEqual([same('distance')]);
});

test('a module that fails on the lake’s past is named with the request', async () => {
  const fails: FeatureModule = {
    ...module,
    features() {
      throw new Error('no past');
    },
  };
  await expect(check([{ requestId: 'a' }], { moduleOf: () => Promise.resolve(fails) })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringMatching(/flights version 1.*request 'a'.*no past/),
  });
});
