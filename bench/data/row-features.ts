import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeRows, type FeatureModule, featureNames, parseRecord } from '../../domain/features.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';
import { readLabelledRows } from '../../training/labelled-rows.ts';
import { alternated, median } from './rounds.ts';

const rounds = 3;
const rows = 3_000_000;
const online = 200_000;
const target = { name: 'late', task: 'binary', sql: 'delay > 15' } as const;
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** The row features of pipelines/flights: two numbers, five categories. */
const module: FeatureModule = {
  record: { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' },
  aggregates: null,
  features(flight) {
    const date = Number(flight['date']);
    return {
      distance: Number(flight['distance']),
      minute: Math.floor(date / 60_000) % 1_440,
      hour: `${Math.floor(date / 3_600_000) % 24}h`,
      weekday: weekdays[new Date(date).getUTCDay()] ?? 'unknown',
      origin: String(flight['origin']),
      destination: String(flight['destination']),
      route: `${String(flight['origin'])}-${String(flight['destination'])}`,
    };
  },
};
const example = { date: '2001-03-31T17:00:00Z', distance: 1_235, origin: 'ORD', destination: 'LAX' };

/**
 * Row features: rows a second offline (Parquet to tensors, as training and scoring read) beside the bare DuckDB scan of the same columns into
 * JavaScript, and microseconds a row online (JSON record to tensors), without network and model.
 */
export async function benchRowFeatures(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-bench-'));
  const source = join(folder, 'flights.parquet');
  await copyFile(fileURLToPath(new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))), source);
  const tables = await openTables({ memoryLimit: '512MiB', threads: 1 });
  try {
    const seconds = await alternated(rounds, {
      features: () => readAll(tables, source),
      scan: () => scan(tables, source),
    });
    console.log(`row features, ${rows} rows, 7 features, one thread (median of ${rounds} alternated rounds)`);
    for (const [name, all] of Object.entries(seconds)) {
      const middle = median(all);
      console.log(
        `  ${name.padEnd(9)} ${middle.toFixed(2)} s, ${Math.round(rows / middle / 1_000)} thousand rows a second`,
      );
    }
    console.log(`  online    ${onlineMicroseconds().toFixed(2)} µs a row`);
  } finally {
    tables.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function readAll(tables: Tables, source: string): Promise<void> {
  const query = { parquetFiles: [source], where: 'true', target, features: module };
  let read = 0;
  const names = featureNames(module.features(parseRecord(module.record, example), {}));
  for await (const chunk of readLabelledRows(tables, query, names)) read += chunk.rows.rows;
  if (read !== rows) throw new Error(`${read} rows were read, not ${rows}`);
}

async function scan(tables: Tables, source: string): Promise<void> {
  let read = 0;
  const sql = `SELECT CAST(epoch_ms(date) AS DOUBLE), CAST(distance AS DOUBLE), origin, destination, CAST(delay > 15 AS INTEGER) FROM read_parquet(${literal(source)})`;
  for await (const columns of tables.columnChunks(sql)) read += columns[0]?.length ?? 0;
  if (read !== rows) throw new Error(`${read} rows were read, not ${rows}`);
}

function onlineMicroseconds(): number {
  const names = featureNames(module.features(parseRecord(module.record, example), {}));
  const answer = (): number => encodeRows(names, [module.features(parseRecord(module.record, example), {})]).rows;
  for (let warm = 0; warm < online; warm += 1) answer();
  const took = Array.from({ length: rounds }, () => {
    const began = performance.now();
    for (let n = 0; n < online; n += 1) answer();
    return ((performance.now() - began) * 1_000) / online;
  });
  return median(took);
}
