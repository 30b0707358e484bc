import { fileURLToPath } from 'node:url';
import { measureDriftFiles } from '../../activities/monitoring/measure-drift.ts';
import type { CategoryProfile, DriftPolicy, DriftReport, TrainingProfile } from '../../domain/drift-report.ts';
import type { InferenceRow } from '../../domain/inference.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';
import { numberProfile } from '../../training/profile.ts';
import { answer, champion, label, timeOf, writeTraffic } from './traffic-fixtures.ts';

const flights = literal(
  fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url)),
);
const policy: DriftPolicy = {
  windowRequests: 2_000,
  falseDiscoveryRate: 0.01,
  materialPsi: 0.1,
  materialGap: 0.03,
  sustained: 3,
  outOf: 5,
};

type Flight = {
  readonly distance: number;
  readonly hour: string;
  readonly origin: string;
  readonly prediction: number;
  readonly late: number;
};

let tables: Tables;
let profile: TrainingProfile;

/** The model is a table: the share of late flights at each hour of January. */
beforeAll(async () => {
  tables = await openTables();
  await tables.all(`CREATE VIEW flights AS SELECT *, CAST(hour(date) AS VARCHAR) AS hour, CAST(delay > 15 AS INTEGER) AS late
    FROM read_parquet(${flights})`);
  await tables.all(
    'CREATE TABLE model AS SELECT hour, avg(late) AS prediction FROM flights WHERE month(date) = 1 GROUP BY hour',
  );
  const january = await sample('month(date) = 1', 100_000, 'reference');
  profile = {
    rows: january.length,
    labelShare: 0.2,
    features: {
      distance: numberProfile(Float32Array.from(january, ({ distance }) => distance)),
      hour: categories(january.map(({ hour }) => hour)),
      origin: categories(january.map(({ origin }) => origin)),
    },
    prediction: numberProfile(Float32Array.from(january, ({ prediction }) => prediction)),
  };
});

afterAll(() => tables.close());

/** Flights in an order that a hash of the row and a word fixes: a random sample that is the same each time. */
async function sample(where: string, n: number, word: string): Promise<readonly Flight[]> {
  const rows =
    await tables.all(`SELECT distance, flights.hour, origin, prediction, late FROM flights JOIN model USING (hour)
    WHERE ${where} ORDER BY md5(concat_ws(',', ${literal(word)}, date, origin, destination, delay, distance)) LIMIT ${n}`);
  return rows as unknown as readonly Flight[];
}

function categories(values: readonly string[]): CategoryProfile {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return { kind: 'category', values: [...counts.keys()], counts: [...counts.values()], unseen: 0, missing: 0 };
}

/** `known` says whose outcome has come; all, unless given. */
async function reportOn(
  rows: readonly Flight[],
  known: (row: Flight) => boolean = () => true,
): Promise<DriftReport | null> {
  const answers = rows.map(({ distance, hour, origin, prediction }, second) =>
    answer(second, { output: prediction, features: JSON.stringify({ distance, hour, origin }) }),
  );
  const labels = rows.flatMap((row, second) => (known(row) ? [label(`request-${second}`, row.late)] : []));
  return measureDriftFiles(
    { endpoint: 'flights', version: champion, profile, after: null, policy },
    await writeTraffic(answers, labels),
  );
}

const drifting = (report: DriftReport | null): readonly string[] =>
  (report?.signals ?? []).filter(({ significant, material }) => significant && material).map(({ name }) => name);

test('other flights of January show no drift', async () => {
  const report = await reportOn(await sample('month(date) = 1', 2_000, 'window'));
  expect(report?.signals.map(({ name }) => name)).toEqual(['distance', 'hour', 'origin', 'prediction', 'label']);
  expect(drifting(report)).toEqual([]);
  expect(report?.verdict).toBe('pass');
});

test('flights of less than 500 miles show drift of the distance, and the report says so', async () => {
  const report = await reportOn(await sample('month(date) = 1 AND distance < 500', 2_000, 'window'));
  expect(drifting(report)).toContain('distance');
  expect(report?.verdict).toBe('fail');
  expect(report?.reason).toMatch(/distance has moved \(PSI \d/);
});

test('in May fewer flights are late than the model of January says', async () => {
  const report = await reportOn(await sample('month(date) = 5', 2_000, 'window'));
  expect(drifting(report)).toEqual(['label']);
  const gap = report?.signals.find(({ statistic }) => statistic === 'calibration-gap');
  // Late shares of the whole months are 0.205 and 0.161; a window of 2,000 stands within 0.03 of that difference.
  expect(gap?.value).toBeGreaterThan(0.161 - 0.205 - 0.03);
  expect(gap?.value).toBeLessThan(-0.03);
});

test('a model of a number has no calibration gap, waits for no outcome, and its predictions show drift as features do', async () => {
  const rows = await sample('month(date) = 1 AND distance < 500', 2_000, 'number');
  const answers = rows.map(({ distance, hour, origin }, second) =>
    answer(second, { output: distance / 10, features: JSON.stringify({ distance, hour, origin }) }),
  );
  const { distance } = profile.features;
  if (distance?.kind !== 'number') throw new Error('no profile of the distance');
  const prediction = { ...distance, edges: distance.edges.map((edge) => edge / 10) };
  const ofNumber: TrainingProfile = { ...profile, labelShare: null, prediction };
  const report = await measureDriftFiles(
    { endpoint: 'flights', version: champion, profile: ofNumber, after: null, policy },
    await writeTraffic(answers, []),
  );
  expect(report?.signals.map(({ name }) => name)).toEqual(['distance', 'hour', 'origin', 'prediction']);
  expect(drifting(report)).toEqual(expect.arrayContaining(['distance', 'prediction']));
});

test('outcomes that come late do not look like a drift of the outcomes', async () => {
  const january = await sample('month(date) = 1', 2_700, 'late outcomes');
  // More than four in five are known; what is not are late flights, still in the air.
  const landed = ({ late, distance }: Flight) => late === 0 || distance % 5 === 0;
  expect(await reportOn(january, landed)).toBeNull();
  const report = await reportOn(january);
  expect(report?.window).toMatchObject({ requests: 2_000, labels: 2_000 });
  expect(drifting(report)).toEqual([]);
});

describe('windows', () => {
  const small: DriftPolicy = { ...policy, windowRequests: 5 };
  const measure = async (rows: readonly InferenceRow[], labelled: readonly number[], after: string | null = null) =>
    measureDriftFiles(
      { endpoint: 'flights', version: champion, profile, after, policy: small },
      await writeTraffic(
        rows,
        labelled.map((second) => label(`request-${second}`, 1)),
      ),
    );
  const seconds = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  const rows = seconds.map((second) => answer(second));

  test('a window is the first answers by time, once all their outcomes are known', async () => {
    const report = await measure(rows.slice(3), [0, 1, 2, 3, 4]);
    expect(report?.window).toEqual({ from: timeOf(0), to: timeOf(4), requests: 5, labels: 5 });
    expect(await measure(rows.slice(3), [0, 1, 2, 3, 5, 6])).toBeNull();
  });

  test('four fifths of the outcomes are enough when as many answers have come since', async () => {
    const report = await measure(rows, [0, 2, 3, 4]);
    expect(report?.window).toEqual({ from: timeOf(0), to: timeOf(4), requests: 5, labels: 4 });
    expect(await measure(rows.slice(1), [0, 2, 3, 4])).toBeNull();
  });

  test('outcomes of later answers do not close a window whose own have not come', async () => {
    expect(await measure(rows, [0, 2, 4, 5, 6, 7, 8, 9])).toBeNull();
  });

  test('the next window begins after the end of the one before', async () => {
    expect((await measure(rows, seconds, timeOf(1)))?.window).toMatchObject({ from: timeOf(2), to: timeOf(6) });
    expect(await measure(rows, seconds, timeOf(5))).toBeNull();
  });

  test('shadow answers, failures, other versions and doubled rows do not fill a window', async () => {
    const mixed = [
      answer(0),
      answer(0),
      answer(1, { shadow: true }),
      answer(2, { status: 500, output: null }),
      answer(3, { modelVersion: '2' }),
      ...[4, 5, 6].map((second) => answer(second)),
    ];
    expect(await measure(mixed, seconds)).toBeNull();
    expect((await measure([...mixed, answer(7)], seconds))?.window).toMatchObject({ requests: 5, labels: 5 });
  });

  test('without traffic or labels there is no report', async () => {
    expect(await measure([], [])).toBeNull();
    expect(await measure([answer(1)], [])).toBeNull();
  });
});
