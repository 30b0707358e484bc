import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openTables, type Tables } from '../stores/tables.ts';
import { joinPast } from './join-past.ts';
import type { LabelledRowsQuery } from './labelled-rows.ts';

/** Where the rows are read: which dataset they are of, and what the scan may take. */
export type RowTablesOptions = {
  readonly dataset: string;
  /** Joined rows lie in a folder of their own in here while they are read; it is made when it does not exist. */
  readonly workFolder: string;
  readonly memoryLimit: string;
  /** Columns beside the record that are asked of the rows. */
  readonly by?: readonly string[];
};

/**
 * Runs `work` with the rows of a query made ready: aggregates joined where the features declare some. All that was opened and written for
 * it is gone when it ends; without aggregates nothing is written.
 *
 * @throws CodedError as `joinPast` does, and what `work` throws.
 */
export async function withRows<Result>(
  query: LabelledRowsQuery,
  options: RowTablesOptions,
  work: (tables: Tables, query: LabelledRowsQuery) => Promise<Result>,
): Promise<Result> {
  const bounds = { memoryLimit: options.memoryLimit, threads: 1 };
  const folder = query.features.aggregates === null ? null : await makeFolder(options.workFolder);
  const tables = await openTables(folder === null ? bounds : { ...bounds, temporaryFolder: folder });
  try {
    return await work(tables, folder === null ? query : await joinPast(tables, query, { ...options, folder }));
  } finally {
    tables.close();
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'rows-'));
}
