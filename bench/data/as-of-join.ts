import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Aggregates } from '../../domain/aggregate.ts';
import type { FeatureModule } from '../../domain/features.ts';
import { literal, openTables } from '../../stores/tables.ts';
import { joinPast } from '../../training/join-past.ts';
import { alternated, median } from './rounds.ts';

const rounds = 3;
const memoryLimit = '1GiB';
const target = { name: 'late', task: 'binary', sql: 'delay > 15' } as const;

const aggregates: Aggregates = {
  dataset: 'flights',
  time: 'date',
  gap: '8 hours',
  values: {
    originDelay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' },
    originFlights: { function: 'count', of: 'true', by: ['origin'], over: '3 hours' },
    routeLate: { function: 'share', of: 'delay > 15', by: ['origin', 'destination'], over: '1 day' },
    routeWorst: { function: 'max', of: 'delay', by: ['origin', 'destination'], over: '1 day' },
  },
};

const features: FeatureModule = {
  record: { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' },
  aggregates,
  features: () => ({}),
};

/**
 * The as-of join of 3,000,000 events with 4 aggregates, as training runs it (rows in order of the file, written as Parquet), beside the window
 * query that a person would write for the same columns, in the same order, written the same way.
 */
export async function benchAsOfJoin(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-bench-'));
  const source = join(folder, 'flights.parquet');
  await copyFile(fileURLToPath(new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))), source);
  const query = { parquetFiles: [source], where: 'true', target, features };
  try {
    const seconds = await alternated(rounds, {
      perdura: () =>
        withTables(folder, async (tables) => void (await joinPast(tables, query, { dataset: 'flights', folder }))),
      'by hand': () =>
        withTables(folder, async (tables) => void (await tables.all(byHand(source, join(folder, 'by-hand.parquet'))))),
    });
    const [ours, theirs] = [median(seconds['perdura'] ?? []), median(seconds['by hand'] ?? [])];
    console.log(
      `as-of join, 3,000,000 events x 4 aggregates, 2 threads, ${memoryLimit} (median of ${rounds} alternated rounds)`,
    );
    console.log(
      `  perdura           ${ours.toFixed(1)} s  (${seconds['perdura']?.map((one) => one.toFixed(1)).join(', ')})`,
    );
    console.log(
      `  window SQL        ${theirs.toFixed(1)} s  (${seconds['by hand']?.map((one) => one.toFixed(1)).join(', ')})`,
    );
    console.log(`  ratio             ${(ours / theirs).toFixed(2)}`);
    console.log(`  rows that differ  ${await differences(folder)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function byHand(source: string, output: string): string {
  return `COPY (
    SELECT date, distance, origin, destination, CAST(delay > 15 AS INTEGER) AS late,
      avg(delay) OVER airport AS "originDelay", count(*) OVER airport AS "originFlights",
      avg(CAST(delay > 15 AS INTEGER)) OVER route AS "routeLate", max(delay) OVER route AS "routeWorst"
    FROM (SELECT *, file_row_number AS n FROM read_parquet(${literal(source)}))
    WINDOW
      airport AS (PARTITION BY origin ORDER BY date
        RANGE BETWEEN INTERVAL 11 HOURS PRECEDING AND INTERVAL '8 hours 1 millisecond' PRECEDING),
      route AS (PARTITION BY origin, destination ORDER BY date
        RANGE BETWEEN INTERVAL 32 HOURS PRECEDING AND INTERVAL '8 hours 1 millisecond' PRECEDING)
    ORDER BY n
  ) TO ${literal(output)} (FORMAT parquet)`;
}

async function withTables(folder: string, work: (tables: Awaited<ReturnType<typeof openTables>>) => Promise<void>) {
  const tables = await openTables({ memoryLimit, threads: 2, temporaryFolder: join(folder, 'spill') });
  try {
    await work(tables);
  } finally {
    tables.close();
  }
}

/** Both computed the same, or neither figure means anything. */
async function differences(folder: string): Promise<string> {
  let differing = '';
  await withTables(folder, async (tables) => {
    const [row] = await tables.all(
      `SELECT count_if(abs("perdura past originDelay" - "originDelay") > 1e-9 OR "perdura past originFlights" <> "originFlights"
          OR abs("perdura past routeLate" - "routeLate") > 1e-9 OR "perdura past routeWorst" IS DISTINCT FROM "routeWorst") AS n, count(*) AS all
       FROM ${literal(join(folder, 'rows-with-past.parquet'))} POSITIONAL JOIN ${literal(join(folder, 'by-hand.parquet'))}`,
    );
    differing = `${Number(row?.['n'])} of ${Number(row?.['all'])}`;
  });
  return differing;
}
