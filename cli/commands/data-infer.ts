import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { Expectation } from '../../domain/expectation.ts';
import { inferSchema } from '../../domain/infer-schema.ts';
import type { Column, TextDialect } from '../../domain/snapshot.ts';
import { openSlice, relationSql } from '../../stores/slices.ts';
import { describeFiles } from '../../stores/snapshots/describe-files.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { readManifest } from '../../stores/snapshots/manifest.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { readStatistics } from '../../stores/snapshots/statistics.ts';
import { identifier, openTables, type Tables } from '../../stores/tables.ts';
import type { Context } from '../context.ts';
import { dialectOf, type DialectOptions } from '../dialect.ts';
import { usageError } from '../errors.ts';
import { preparedFiles } from '../local-data.ts';
import { schemaText } from '../schema-text.ts';
import { readingBucket, shortName, splitName } from '../snapshots.ts';

export type DataInferOptions = DialectOptions & { readonly output?: string; readonly dataset?: string };

/** Data to infer from, and what is known of it already. */
type Source = {
  readonly told: string;
  /** What to hold against the schema next, as words of a command line; null for a snapshot. */
  readonly check: string | null;
  readonly dataset: string;
  readonly columns: readonly Column[];
  /** Its rows as local Parquet files; of a snapshot they are fetched only when they are asked for. */
  readonly parquetFiles: () => Promise<readonly string[]>;
  readonly statistics: SnapshotStatistics | null;
};

/** `perdura data infer`: a schema to start from, of files on this machine without any service, or of a snapshot. */
export async function dataInfer(context: Context, data: readonly string[], options: DataInferOptions): Promise<number> {
  const { folder } = context;
  const named = await snapshotNames(folder, data);
  const [name] = named;
  if (options.output !== undefined) await requireFree(resolve(folder, options.output));
  if (name === undefined)
    return withScratch(async (work) =>
      propose(context, options, {
        ...work,
        source: await ofFiles(work, { folder, data, dialect: dialectOf(options) }),
      }),
    );
  if (data.length > 1)
    throw usageError('INPUT_INVALID', `'${name}' is a snapshot: infer from one snapshot alone, or from files.`);
  return readingBucket(context, ({ store, config }) =>
    withScratch(async (work) => {
      const snapshot = await resolveSnapshot(store, name);
      const [manifest, statistics] = [await readManifest(store, snapshot), await readStatistics(store, snapshot)];
      const local = { store, cacheFolder: join(config.homeFolder, 'cache') };
      const parquetFiles = async () => (await openSlice(local, { snapshot, rows: snapshot.rows })).parquetFiles;
      const { columns, dataset } = manifest;
      return propose(context, options, {
        ...work,
        source: { told: shortName(snapshot), check: null, dataset, columns, parquetFiles, statistics },
      });
    }),
  );
}

type Scratch = { readonly tables: Tables; readonly scratch: string };

async function withScratch(work: (scratch: Scratch) => Promise<number>): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'perdura-infer-'));
  const tables = await openTables({ temporaryFolder: scratch });
  try {
    return await work({ tables, scratch });
  } finally {
    tables.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Which of the words name snapshots: those with an `@` that no file has for a name. */
async function snapshotNames(folder: string, data: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    data.map(async (text) => text.includes('@') && (await stat(resolve(folder, text)).catch(() => null)) === null),
  );
  const names = data.filter((_, index) => found[index] === true);
  names.forEach(splitName);
  return names;
}

async function ofFiles(
  { tables, scratch }: Scratch,
  {
    folder,
    data,
    dialect,
  }: { readonly folder: string; readonly data: readonly string[]; readonly dialect: TextDialect | null },
): Promise<Source> {
  const files = await preparedFiles(
    data.map((name) => ({ name, path: resolve(folder, name) })),
    { scratch, dialect },
  );
  const { columns } = await describeFiles(tables, files);
  const names = data.map((name) => basename(name));
  const told = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  const dataset = names[0]?.replace(/\..*$/, '') ?? '';
  return {
    told,
    check: data.join(' '),
    dataset,
    columns,
    parquetFiles: () => Promise.resolve(files.map((file) => file.path)),
    statistics: null,
  };
}

async function propose(
  { output, folder }: Context,
  options: DataInferOptions,
  { tables, source }: Scratch & { readonly source: Source },
): Promise<number> {
  const known = await measured(tables, source);
  const statistics = { ...known, columns: inOrder(known.columns, source.columns) };
  const expectations = await withoutDoubled(tables, source, inferSchema(statistics));
  const dataset = options.dataset ?? source.dataset;
  const text = schemaText({ dataset, source: source.told, statistics, expectations });
  const file = options.output === undefined ? null : resolve(folder, options.output);
  if (file !== null) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  }
  output.answer({ file, schema: { dataset, expectations }, text }, () =>
    file === null ? text.trimEnd() : written(options.output ?? file, { count: expectations.length, source }),
  );
  return 0;
}

function written(name: string, { count, source }: { readonly count: number; readonly source: Source }): string {
  const told = `${name} has ${count} expectations. Read it and correct it, then check data against it`;
  return source.check === null ? `${told}.` : `${told}:\n  perdura data check ${source.check} --schema ${name}`;
}

/**
 * Stored statistics where they are whole, else the data is measured: in statistics that were added up nobody knows how many different values
 * there are, and where files went away the least and most are only bounds.
 */
async function measured(tables: Tables, source: Source): Promise<SnapshotStatistics> {
  const { statistics, dataset, columns, parquetFiles } = source;
  const counted = Object.values(statistics?.columns ?? {}).every(
    ({ distinct, type }) => distinct !== null || type === 'other',
  );
  if (statistics !== null && counted) return statistics;
  return { dataset, digest: '', edgesFrom: '', ...(await measureStatistics(tables, await parquetFiles(), columns)) };
}

/** Stored statistics have their columns by the alphabet; a person looks for them where the data has them. */
function inOrder(statistics: SnapshotStatistics['columns'], columns: readonly Column[]): SnapshotStatistics['columns'] {
  const known = new Map(Object.entries(statistics));
  return Object.fromEntries(
    columns.flatMap(({ name }) => {
      const found = known.get(name);
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
}

/** Whether values are all different is an estimate until the data was asked: what is not so is left out. */
async function withoutDoubled(
  tables: Tables,
  source: Source,
  expectations: readonly Expectation[],
): Promise<readonly Expectation[]> {
  const kept: Expectation[] = [];
  for (const expectation of expectations) {
    const { kind } = expectation;
    if (kind !== 'unique' || !(await isDoubled(tables, await source.parquetFiles(), expectation.columns)))
      kept.push(expectation);
  }
  return kept;
}

async function isDoubled(tables: Tables, files: readonly string[], columns: readonly string[]): Promise<boolean> {
  const keys = columns.map(identifier).join(', ');
  const rows = await tables.all(
    `SELECT 1 FROM (SELECT ${keys} FROM ${relationSql(files)} GROUP BY ${keys} HAVING count(*) > 1) LIMIT 1`,
  );
  return rows.length > 0;
}

/** A schema that a person has edited must not be written over. */
async function requireFree(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) === null) return;
  throw usageError('INPUT_INVALID', `${file} exists already. Name another file with --output, or move that one away.`);
}
