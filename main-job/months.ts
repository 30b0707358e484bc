import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { literal, openTables } from '../stores/tables.ts';

/** The months of 2001 that the data covers. */
export const months = ['2001-01', '2001-02', '2001-03', '2001-04', '2001-05', '2001-06'] as const;
export type Month = (typeof months)[number];

/** Three million real flights within the United States, January to June 2001 (npm package vega-datasets, BSD-3). */
export function sourceFile(): string {
  // The package exports only its code; its data lies beside it.
  return fileURLToPath(new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets')));
}

/** The local file of a month. */
export function monthFile(folder: string, month: Month): string {
  return join(folder, `flights-${month}.parquet`);
}

/** Cuts the source into one Parquet file a month, in order of time; months that are there already stay. */
export async function cutMonths(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const missing: Month[] = [];
  for (const month of months) if (!(await exists(monthFile(folder, month)))) missing.push(month);
  if (missing.length === 0) return;
  const tables = await openTables({ temporaryFolder: folder });
  try {
    for (const month of missing) {
      const partial = `${monthFile(folder, month)}.part`;
      // By all columns: flights of the same minute in any order would give other bytes, and another model, each time.
      await tables.all(
        `COPY (SELECT * FROM read_parquet(${literal(sourceFile())}) WHERE strftime(date, '%Y-%m') = ${literal(month)} ORDER BY ALL) TO ${literal(partial)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      await rename(partial, monthFile(folder, month));
    }
  } finally {
    tables.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
