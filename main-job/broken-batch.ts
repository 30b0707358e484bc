import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, openTables, type Tables } from '../stores/tables.ts';

/** Where the rows come from and where the two files go; `month` is `2001-03`. */
export type BrokenBatchOptions = { readonly source: string; readonly month: string; readonly folder: string };

/** The two files, and how many rows (files, for the missing column) carry which fault. */
export type BrokenBatch = {
  readonly files: readonly string[];
  readonly faults: Readonly<{
    nullOrigins: number;
    delaysInHours: number;
    negativeDistances: number;
    unknownAirports: number;
    filesWithoutDelay: number;
  }>;
};

const rowsPerFile = 3_000;

/**
 * Makes a batch that a careless source could send, from real flights of a month: in the first file all delays are in hours, some origins
 * are null, some distances negative, some destinations an airport that does not exist; the second file lacks the delay. No row has two of
 * the row faults. The same source and month give the same rows.
 */
export async function writeBrokenBatch(options: BrokenBatchOptions): Promise<BrokenBatch> {
  await mkdir(options.folder, { recursive: true });
  const files = [
    join(options.folder, `${options.month}-broken-a.parquet`),
    join(options.folder, `${options.month}-broken-b.parquet`),
  ] as const;
  const tables = await openTables();
  try {
    await takeRows(tables, options);
    const faulty = `SELECT date, delay / 60.0 AS delay,
        CASE WHEN n % 100 = 7 THEN -distance ELSE distance END AS distance,
        CASE WHEN n % 75 = 1 THEN NULL ELSE origin END AS origin,
        CASE WHEN n % 120 = 5 THEN 'ZZZ' ELSE destination END AS destination
      FROM taken WHERE n < ${rowsPerFile} AND part = 0 ORDER BY n`;
    const short = `SELECT date, distance, origin, destination FROM taken WHERE n < ${rowsPerFile} AND part = 1 ORDER BY n`;
    await tables.all(`COPY (${faulty}) TO ${literal(files[0])} (FORMAT parquet, COMPRESSION zstd)`);
    await tables.all(`COPY (${short}) TO ${literal(files[1])} (FORMAT parquet, COMPRESSION zstd)`);
    return { files, faults: await countFaults(tables) };
  } finally {
    tables.close();
  }
}

/** Rows from all over the month, in order of time, dealt in turn to the two files; `n` counts from 0 within each. */
async function takeRows(tables: Tables, { source, month }: BrokenBatchOptions): Promise<void> {
  const day = literal(`${month}-01`);
  await tables.all(`CREATE TEMP TABLE taken AS
    WITH numbered AS (
      SELECT *, row_number() OVER (ORDER BY date, file_row_number) - 1 AS i, count(*) OVER () AS total
      FROM read_parquet(${literal(source)})
      WHERE date >= CAST(${day} AS TIMESTAMP) AND date < CAST(${day} AS TIMESTAMP) + INTERVAL 1 MONTH
    )
    SELECT date, delay, distance, origin, destination, part, row_number() OVER (PARTITION BY part ORDER BY i) - 1 AS n
    FROM (SELECT *, (i // greatest(total // ${2 * rowsPerFile}, 1)) % 2 AS part FROM numbered
          WHERE i % greatest(total // ${2 * rowsPerFile}, 1) = 0)`);
}

async function countFaults(tables: Tables): Promise<BrokenBatch['faults']> {
  const [row = {}] = await tables.all(`SELECT count(*) AS n, count_if(n % 75 = 1) AS nulls,
    count_if(n % 100 = 7) AS negative, count_if(n % 120 = 5) AS unknown FROM taken WHERE n < ${rowsPerFile} AND part = 0`);
  return {
    nullOrigins: Number(row['nulls']),
    delaysInHours: Number(row['n']),
    negativeDistances: Number(row['negative']),
    unknownAirports: Number(row['unknown']),
    filesWithoutDelay: 1,
  };
}
