import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ValidationReport, Violation } from '../../../domain/validation-report.ts';
import type { SnapshotReference } from '../../../domain/snapshot.ts';
import { type BrokenBatch, writeBrokenBatch } from '../../../main-job/broken-batch.ts';
import { literal } from '../../../stores/tables.ts';
import { type DataBench, flightsFile, januarySql, openDataBench } from '../data/data-bench.ts';
import { flightSchema } from '../../../pipelines/flights/schema.ts';

let bench: DataBench;
let batch: BrokenBatch;
let snapshot: SnapshotReference;
let january: ValidationReport;
let elapsedMs: number;
let report: ValidationReport;

beforeAll(async () => {
  bench = await openDataBench();
  const first = await bench.snapshotOf('flights', januarySql);
  const began = performance.now();
  january = await bench.activities.validateData({ snapshot: first, schema: flightSchema });
  elapsedMs = performance.now() - began;
  batch = await writeBrokenBatch({ source: flightsFile, month: '2001-03', folder: join(bench.folder, 'broken') });
  const keys: string[] = [];
  for (const [index, file] of batch.files.entries()) {
    keys.push(await bench.add('flights', `broken-${index}.parquet`, { file }));
  }
  snapshot = await bench.activities.createSnapshot({ dataset: 'flights', from: keys });
  report = await bench.activities.validateData({ snapshot, schema: flightSchema });
}, 30_000);
afterAll(() => bench.close());

function violation(code: Violation['code'], column: string): Violation {
  const found = report.violations.filter((candidate) => candidate.code === code && candidate.column === column);
  expect(found).toHaveLength(1);
  return found[0] as Violation;
}

test('the real January passes, warned that there is nothing before it, its half a million rows checked within seconds', () => {
  expect(january).toMatchObject({ decision: 'warn', verdict: 'pass', rows: 508_239, quarantine: null });
  expect(new Set(january.violations.map(({ code }) => code))).toEqual(new Set(['COMPARATOR_CONTROL_DATA_MISSING']));
  expect(elapsedMs).toBeLessThan(5_000);
  expect(bench.notes).toContain('checking 508,239 rows');
});

test('the broken batch fails with exactly its faults', () => {
  expect(report.verdict).toBe('fail');
  expect(report.rows).toBe(6_000);
  expect(report.violations.map(({ code, column }) => `${code} ${column}`).toSorted()).toEqual([
    'COMPARATOR_LOW_NUM_EXAMPLES null',
    'ENUM_TYPE_UNEXPECTED_STRING_VALUES destination',
    'FEATURE_TYPE_LOW_FRACTION_PRESENT origin',
    'INT_TYPE_SMALL_INT distance',
    'QUANTILE_OUT_OF_RANGE delay',
    'SCHEMA_MISSING_COLUMN delay',
    'UNEXPECTED_DATA_TYPE delay',
  ]);
});

test('the counts are those of the faults that were put in, and of a query of their own', async () => {
  const [own] = await bench.sql(`SELECT count_if(origin IS NULL) AS nulls, count_if(distance < 0) AS negative,
    count_if(destination = 'ZZZ') AS unknown FROM read_parquet(${literal(batch.files[0] ?? '')})`);
  expect(own).toEqual({
    nulls: batch.faults.nullOrigins,
    negative: batch.faults.negativeDistances,
    unknown: batch.faults.unknownAirports,
  });
  expect(violation('FEATURE_TYPE_LOW_FRACTION_PRESENT', 'origin').count).toBe(own?.['nulls']);
  expect(violation('INT_TYPE_SMALL_INT', 'distance').count).toBe(own?.['negative']);
  expect(violation('ENUM_TYPE_UNEXPECTED_STRING_VALUES', 'destination').count).toBe(own?.['unknown']);
  expect(violation('SCHEMA_MISSING_COLUMN', 'delay').count).toBe(batch.faults.filesWithoutDelay);
});

test('what was observed is told', () => {
  expect(violation('ENUM_TYPE_UNEXPECTED_STRING_VALUES', 'destination').observed).toBe("'ZZZ' (25)");
  expect(violation('FEATURE_TYPE_LOW_FRACTION_PRESENT', 'origin').observed).toBe('missing in 40 of 6000 rows');
  expect(violation('SCHEMA_MISSING_COLUMN', 'delay').observed).toBe('missing in data/flights/broken-1.parquet');
  expect(violation('UNEXPECTED_DATA_TYPE', 'delay').observed).toBe('number in data/flights/broken-0.parquet');
});

test('delays in hours are seen by their quantile, which DuckDB 1.5.5 computes alike over the one file that has them', async () => {
  const [own] = await bench.sql(
    `SELECT quantile_disc(delay, 0.95) AS q FROM read_parquet(${literal(batch.files[0] ?? '')})`,
  );
  const found = violation('QUANTILE_OUT_OF_RANGE', 'delay');
  expect(found.expected).toBe('0.95 quantile of delay between 30 and 120');
  expect(Number(found.observed)).toBeCloseTo(Number(own?.['q']), 4);
});

test('samples are the first bad rows with their file, row from 1 and values', async () => {
  const own = await bench.sql(`SELECT file_row_number + 1 AS row, distance, origin
    FROM read_parquet(${literal(batch.files[0] ?? '')}) WHERE distance < 0 ORDER BY 1 LIMIT 5`);
  const { samples } = violation('INT_TYPE_SMALL_INT', 'distance');
  expect(samples.map(({ row, values }) => ({ row, distance: values['distance'], origin: values['origin'] }))).toEqual(
    own,
  );
  expect(samples.every((sample) => sample.key === 'data/flights/broken-0.parquet')).toBe(true);
});

test('the quarantine holds exactly the bad rows, each with its place and codes', async () => {
  const { quarantine } = report;
  if (quarantine === null) throw new Error('nothing is in quarantine');
  const { bytes } = await bench.store.read(quarantine.key, { s3VersionId: quarantine.s3VersionId });
  const path = join(bench.folder, 'quarantine.parquet');
  await writeFile(path, bytes);
  const kept = await bench.sql(`SELECT _row, array_to_string(_codes, ' ') AS codes, * EXCLUDE (_key, _row, _codes)
    FROM read_parquet(${literal(path)})`);
  const own = await bench.sql(`SELECT file_row_number + 1 AS _row,
      CASE WHEN origin IS NULL THEN 'FEATURE_TYPE_LOW_FRACTION_PRESENT:origin' WHEN distance < 0 THEN 'INT_TYPE_SMALL_INT:distance'
        ELSE 'ENUM_TYPE_UNEXPECTED_STRING_VALUES:destination' END AS codes, *
    FROM read_parquet(${literal(batch.files[0] ?? '')}) WHERE origin IS NULL OR distance < 0 OR destination = 'ZZZ' ORDER BY 1`);
  expect(kept).toEqual(own);
  expect(kept).toHaveLength(quarantine.rows);
  expect(bytes.byteLength).toBe(quarantine.sizeBytes);
});

test('a second check gives the same report and leaves the quarantine as it is', async () => {
  expect(await bench.activities.validateData({ snapshot, schema: flightSchema })).toEqual(report);
  expect(await bench.store.versions(report.quarantine?.key ?? '')).toHaveLength(1);
});
