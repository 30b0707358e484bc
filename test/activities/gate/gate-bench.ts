import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CheckedFiles, checkFiles, type GateWork } from '../../../activities/gate/check-files.ts';
import type { DataSchema, Expectation } from '../../../domain/expectation.ts';
import { describeFiles } from '../../../stores/snapshots/describe-files.ts';
import { measureStatistics } from '../../../stores/snapshots/measure-statistics.ts';
import { literal, openTables, type TableRow, type TablesOptions } from '../../../stores/tables.ts';

/** The gate over local Parquet files that are made by SQL; no store. */
export type GateBench = {
  readonly folder: string;
  /** Runs SQL apart from the code under test. */
  sql(text: string): Promise<readonly TableRow[]>;
  parquet(name: string, select: string): Promise<string>;
  /** Checks files that are made by SQL, `0.parquet` the first. */
  check(
    selects: string | readonly string[],
    expectations: readonly Expectation[],
    options?: Partial<Omit<GateWork, 'schema'>> & { readonly schema?: Partial<DataSchema> },
  ): Promise<CheckedFiles>;
  /** `CODE column count` of each violation. */
  codes(
    selects: string | readonly string[],
    expectations: readonly Expectation[],
    options?: Partial<Omit<GateWork, 'schema'>> & { readonly schema?: Partial<DataSchema> },
  ): Promise<readonly string[]>;
  /** A reference made by SQL. */
  reference(select: string): Promise<GateWork['reference']>;
  close(): Promise<void>;
};

export async function openGateBench(options: TablesOptions = {}): Promise<GateBench> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-gate-'));
  const tables = await openTables({ temporaryFolder: join(folder, 'spill'), ...options });
  const own = await openTables();
  let made = 0;
  const parquet = async (name: string, select: string): Promise<string> => {
    await own.all(`COPY (${select}) TO ${literal(join(folder, name))} (FORMAT parquet)`);
    return join(folder, name);
  };
  const check: GateBench['check'] = async (selects, expectations, work = {}) => {
    const files: { key: string; path: string }[] = [];
    for (const [place, select] of [selects].flat().entries()) {
      files.push({ key: `${place}.parquet`, path: await parquet(`${made++}-${place}.parquet`, select) });
    }
    return checkFiles(tables, {
      files,
      environment: 'training',
      now: '2001-07-02T00:00:00.000Z',
      previousRows: null,
      reference: async () => null,
      referenceFiles: async () => null,
      rowChecks: null,
      folder,
      ...work,
      schema: { dataset: 'things', expectations, ...work.schema },
    });
  };
  return {
    folder,
    sql: (text) => own.all(text),
    parquet,
    check,
    async codes(...asked) {
      const { violations } = await check(...asked);
      return violations.map(({ code, column, count }) => `${code} ${column} ${count}`);
    },
    async reference(select) {
      const path = await parquet(`reference-${made++}.parquet`, select);
      const { columns } = await describeFiles(tables, [{ key: 'reference', path }]);
      const statistics = await measureStatistics(tables, [path], columns);
      return async () => ({ name: 'things@reference', statistics });
    },
    async close() {
      tables.close();
      own.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
