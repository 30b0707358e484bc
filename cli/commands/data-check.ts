import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import { type CheckedFiles, checkFiles } from '../../activities/gate/check-files.ts';
import { requireTogether } from '../../activities/data/snapshot-columns.ts';
import { reportPage } from '../../activities/gate/report/page.ts';
import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { DataSchema, DistributionReference } from '../../domain/expectation.ts';
import type { ColumnPicture, GateFindings } from '../../domain/validation-report.ts';
import { describeFiles, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { openTables, type Tables } from '../../stores/tables.ts';
import type { Context } from '../context.ts';
import { dialectOf, type DialectOptions } from '../dialect.ts';
import { describeFindings } from '../gate-findings.ts';
import { preparedFiles } from '../local-data.ts';
import { coloured } from '../output.ts';
import { readReferences, type ReferenceFiles } from '../reference-files.ts';
import { readSchema, type SchemaFile } from '../schema-file.ts';

export type DataCheckOptions = DialectOptions & {
  readonly schema: string;
  readonly environment?: string;
  readonly reference?: readonly string[];
  readonly report?: string;
};

/** One check under way. */
type Work = {
  readonly tables: Tables;
  readonly scratch: string;
  readonly files: readonly LocalFile[];
  readonly references: ReferenceFiles;
  readonly environment: string;
  readonly checkedAt: string;
};

type Statistics = Pick<SnapshotStatistics, 'rows' | 'columns'>;

/** `perdura data check`: the gate on files as they lie, without Temporal and S3, for a pull request; 1 unless all rows may go on. */
export async function dataCheck(
  { output, folder }: Context,
  names: readonly string[],
  options: DataCheckOptions,
): Promise<number> {
  return withScratch(async ({ tables, scratch }) => {
    const schema = await readSchema(resolve(folder, options.schema), scratch);
    const reading = { folder, scratch, dialect: dialectOf(options) };
    const files = await preparedFiles(
      names.map((name) => ({ name, path: resolve(folder, name) })),
      reading,
    );
    await requireTogether(tables, await describeFiles(tables, files));
    const references = await readReferences(options.reference ?? [], reading);
    const checkedAt = new Date().toISOString();
    const work = { tables, scratch, files, references, environment: options.environment ?? 'training', checkedAt };
    const { bad: _, layout, pictures, ...findings } = await check(schema, work);
    const report = options.report === undefined ? null : resolve(folder, options.report);
    if (report !== null) {
      const drawn = await allPictures(work, { layout, pictures });
      const title = names.map((name) => basename(name)).join(', ');
      await writeFile(report, reportPage({ ...findings, title, checkedAt, environment: work.environment }, drawn));
    }
    output.answer({ ...findings, environment: work.environment, report }, () => text(findings, report));
    return findings.decision === 'pass' || findings.decision === 'warn' ? 0 : 1;
  });
}

async function check({ schema, checks }: SchemaFile, work: Work): Promise<CheckedFiles> {
  const { tables, files, references } = work;
  const measured = new Map<string, Statistics | null>();
  const statisticsOf = async (name: string) => {
    if (!measured.has(name)) measured.set(name, await measure(tables, references.filesOf(name)));
    return measured.get(name) ?? null;
  };
  return checkFiles(tables, {
    files,
    schema,
    environment: work.environment,
    now: work.checkedAt,
    previousRows: (await statisticsOf('previous'))?.rows ?? null,
    reference: async (against) => {
      const name = nameOf(schema, against);
      const statistics = await statisticsOf(name);
      return statistics === null ? null : { name, statistics };
    },
    referenceFiles: async (name) => references.named(name)?.map(({ path }) => path) ?? null,
    rowChecks: checks,
    folder: work.scratch,
  });
}

function nameOf({ dataset }: DataSchema, against: DistributionReference): string {
  if (against === 'previous') return against;
  if ('endpoint' in against) return `endpoint ${against.endpoint}`;
  return against.snapshot.includes('@') ? against.snapshot : `${dataset}@${against.snapshot}`;
}

async function measure(tables: Tables, files: readonly LocalFile[] | null): Promise<Statistics | null> {
  if (files === null) return null;
  const { columns } = await describeFiles(tables, files);
  const paths = files.map(({ path }) => path);
  return measureStatistics(tables, paths, columns);
}

/** Every column, not only those that the schema compares: a page is drawn once, on purpose, and may take another scan. */
async function allPictures(
  work: Work,
  { layout, pictures }: Pick<CheckedFiles, 'layout' | 'pictures'>,
): Promise<readonly ColumnPicture[]> {
  const reference = await measure(work.tables, work.references.filesOf('previous'));
  const known = new Set(pictures.map(({ column }) => column));
  const others = layout.columns.filter(({ name }) => !known.has(name));
  const paths = work.files.map(({ path }) => path);
  const edges = reference === null ? undefined : { dataset: '', digest: '', edgesFrom: '', ...reference };
  const current = await measureStatistics(work.tables, paths, others, edges);
  return [
    ...pictures,
    ...Object.entries(current.columns).map(([column, own]) => {
      const beside = reference !== null && Object.hasOwn(reference.columns, column) ? reference.columns[column] : null;
      return { column, current: own, reference: beside ?? null };
    }),
  ];
}

function text(findings: GateFindings, report: string | null): string {
  const { decision, badRows, rows } = findings;
  const what: Readonly<Record<GateFindings['decision'], string>> = {
    pass: 'all rows may go on',
    warn: 'all rows may go on',
    quarantine: `${badRows} of ${rows} rows would go to quarantine, the others on; here that counts as stopped`,
    block: findings.verdict === 'inconclusive' ? 'there was nothing to check' : 'the data would be stopped',
  };
  const page = report === null ? '' : `\nThe report: ${report}`;
  return `${describeFindings(findings)}\n\n${coloured(decision)}: ${what[decision]}.${page}`;
}

async function withScratch(
  work: (scratch: { readonly tables: Tables; readonly scratch: string }) => Promise<number>,
): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'perdura-check-'));
  const tables = await openTables({ temporaryFolder: join(scratch, 'spill') });
  try {
    return await work({ tables, scratch });
  } finally {
    tables.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
