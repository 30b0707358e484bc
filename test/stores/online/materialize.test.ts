import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';

import type { Aggregates, PastValues } from '../../../domain/aggregate.ts';
import { asOfJoinSql } from '../../../stores/features/as-of-join.ts';
import { openLmdbOnlineStore } from '../../../stores/online/lmdb-online-store.ts';
import { materialize } from '../../../stores/online/materialize.ts';
import type { OnlineStore } from '../../../stores/online/online-store.ts';
import { pastValues } from '../../../stores/online/past-values.ts';
import { literal, openTables, type Tables } from '../../../stores/tables.ts';
import { declared, event, pastOf, relationOf } from '../features/event-streams.ts';

let folder: string;
let tables: Tables;
let online: OnlineStore;
let datasets = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-materialize-'));
  [tables, online] = [await openTables({ temporaryFolder: folder }), await openLmdbOnlineStore(join(folder, 'online'))];
});

afterAll(async () => {
  tables.close();
  await online.close();
  await rm(folder, { recursive: true, force: true });
});

/** The store is one for all tests: a dataset of its own keeps a test's events apart. */
function ownDataset(aggregates: Aggregates): Aggregates {
  return { ...aggregates, dataset: `stream ${(datasets += 1)}` };
}

async function parquet(relation: string): Promise<string> {
  const file = join(folder, `${datasets} ${Math.random()}.parquet`);
  await tables.all(`COPY (SELECT * FROM ${relation}) TO ${literal(file)} (FORMAT parquet)`);
  return file;
}

const all = { since: null, until: null };
const flights: Aggregates = {
  dataset: 'flights',
  time: 'date',
  gap: '1 hour',
  values: {
    delay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' },
    worst: { function: 'max', of: 'delay', by: ['origin'], over: '1 day' },
    late: { function: 'share', of: 'delay > 15', by: ['origin', 'destination'], over: '1 day' },
  },
};
const rowsSql = `(SELECT * FROM (VALUES
  (TIMESTAMP '2001-03-04 10:00', 'SFO', 'LAX', 10), (TIMESTAMP '2001-03-04 11:00', 'SFO', 'JFK', 30),
  (TIMESTAMP '2001-03-04 11:00', 'SFO', 'JFK', 30), (TIMESTAMP '2001-03-04 12:00', 'LAX', 'SFO', 99)
) AS flights(date, origin, destination, delay))`;
const asked = { date: Date.parse('2001-03-04T12:30:00Z'), origin: 'SFO', destination: 'JFK' };

test('online, a record sees what the same row sees offline, on random streams', async () => {
  await fc.assert(
    fc.asyncProperty(declared, fc.array(event, { minLength: 1, maxLength: 40 }), async (given, events) => {
      const aggregates = ownDataset(given);
      const file = await parquet(relationOf(events));
      await materialize(tables, online, { aggregates, parquetFiles: [file], ...all });
      const rows = `(SELECT * FROM ${relationOf(events)} WHERE place IS NOT NULL AND flag IS NOT NULL)`;
      const offline = await tables.all(asOfJoinSql({ rows, events: relationOf(events), aggregates }));
      for (const row of offline) {
        const { at, place, flag } = events[Number(row['n'])] ?? {};
        const seen = await pastValues(online, aggregates, { at: at ?? 0, place: place ?? '', flag: flag ?? false });
        expect(unlike(seen, pastOf(aggregates, row))).toEqual([]);
      }
    }),
    { numRuns: 40, seed: 4 },
  );
}, 30_000);

/** The aggregates that differ by more than the last bits of a sum in another order. */
function unlike(online: PastValues, offline: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Object.entries(offline)
    .map(([name, value]) => ({ name, online: online[name], offline: value }))
    .filter(({ online: a, offline: b }) => {
      if (typeof a !== 'number' || typeof b !== 'number') return a !== b;
      return Math.abs(a - b) > 1e-12 * Math.max(Math.abs(a), Math.abs(b));
    });
}

test('equal rows are two events, and repeating it, also from another file, adds nothing', async () => {
  const aggregates = ownDataset(flights);
  const request = { aggregates, ...all };
  // Three views of four rows: `delay` and `worst` have one view, `late` another.
  const expected = { events: 8, newest: '2001-03-04T12:00:00.000Z', forgotten: 0 };
  const past = { delay: (10 + 30 + 30) / 3, worst: 30, late: 1 };
  expect(await materialize(tables, online, { ...request, parquetFiles: [await parquet(rowsSql)] })).toEqual(expected);
  expect(await pastValues(online, aggregates, asked)).toEqual(past);
  await materialize(tables, online, { ...request, parquetFiles: [await parquet(rowsSql)] });
  expect(await pastValues(online, aggregates, asked)).toEqual(past);
});

test('only events from `since` on and before `until` are written, zoned or not', async () => {
  const aggregates = ownDataset(flights);
  const parquetFiles = [await parquet(rowsSql)];
  const bounds = { since: '2001-03-04T11:00:00', until: '2001-03-04T13:00:00+01:00' };
  expect(await materialize(tables, online, { aggregates, parquetFiles, ...bounds })).toMatchObject({ events: 4 });
  expect(await pastValues(online, aggregates, asked)).toEqual({ delay: 30, worst: 30, late: 1 });
});

test('asked to, it forgets what no window of a later moment reaches, each view by its longest', async () => {
  const aggregates = ownDataset(flights);
  const request = { aggregates, parquetFiles: [await parquet(rowsSql)], ...all };
  // One hour and one day before it is 10:30: only the first flight goes, from both views.
  const forgetBefore = '2001-03-05T11:30:00Z';
  expect(await materialize(tables, online, { ...request, forgetBefore })).toMatchObject({ events: 8, forgotten: 2 });
  expect(await pastValues(online, aggregates, asked)).toEqual({ delay: 30, worst: 30, late: 1 });
});

test('it says how far it is, and an empty span is no event and no newest', async () => {
  const aggregates = ownDataset(flights);
  const many = `(SELECT TIMESTAMP '2001-01-01' + to_seconds(i) AS date, 'SFO' AS origin, 'JFK' AS destination, i AS delay FROM range(25_000) AS r(i))`;
  const heard: number[] = [];
  const parquetFiles = [await parquet(many)];
  const onEvents = (events: number): void => void heard.push(events);
  await materialize(tables, online, { aggregates, parquetFiles, ...all, onEvents });
  expect(heard).toEqual([20_000, 25_000, 45_000, 50_000]);
  const none = { since: '2002-01-01', until: null };
  expect(await materialize(tables, online, { aggregates, parquetFiles, ...none })).toEqual({
    events: 0,
    newest: null,
    forgotten: 0,
  });
});

test('a column that the data lacks and a bound that is no time are named', async () => {
  const parquetFiles = [await parquet(`(SELECT * EXCLUDE (delay) FROM ${rowsSql})`)];
  await expect(materialize(tables, online, { aggregates: flights, parquetFiles, ...all })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining('delay'),
  });
  const since = 'yesterday';
  await expect(materialize(tables, online, { aggregates: flights, parquetFiles, ...all, since })).rejects.toMatchObject(
    { code: 'INPUT_INVALID', message: expect.stringContaining("'since'") },
  );
});

test('a record without the time or a key of its aggregates is refused, naming the field', async () => {
  await expect(pastValues(online, flights, { origin: 'SFO', destination: 'JFK' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { field: 'date' },
  });
  await expect(pastValues(online, flights, { date: 0, origin: 'SFO' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { field: 'destination' },
  });
});
