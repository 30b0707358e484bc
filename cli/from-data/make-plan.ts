import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TextDialect } from '../../domain/snapshot.ts';
import type { Task } from '../../domain/target.ts';
import { identifier, openTables } from '../../stores/tables.ts';
import { usageError } from '../errors.ts';
import { requireColumn } from './column-facts.ts';
import { chooseColumns } from './columns.ts';
import type { Field, Learned, LearningPlan, RecordValue } from './plan.ts';
import { expectationsOf, openSource, type Source } from './source.ts';
import { chooseSplit, measureBaseline, requireBothParts } from './split.ts';
import { chooseTarget } from './target.ts';

/** What a person said: the file by its name and its place, and what is to be learned. */
export type PlanRequest = {
  readonly pipeline: string;
  readonly file: { readonly name: string; readonly path: string };
  readonly dialect: TextDialect | null;
  readonly target: string;
  readonly task: Task | null;
  readonly keep: readonly string[];
};

/**
 * Looks at a file of data and decides what a first model of it is made of. Nothing but the file is read, and nothing is left behind.
 *
 * @throws CodedError NOT_FOUND or DATA_UNREADABLE for the file; INPUT_INVALID (wrong usage) where the target cannot be learned, a named
 * column does not exist, or no column is left to learn from.
 */
export async function makePlan(request: PlanRequest): Promise<LearningPlan> {
  const scratch = await mkdtemp(join(tmpdir(), 'perdura-init-'));
  const tables = await openTables({ temporaryFolder: scratch });
  try {
    const { pipeline, file, dialect } = request;
    const source = await openSource(tables, { ...file, dataset: pipeline }, { scratch, dialect });
    return await planOf(source, request);
  } finally {
    tables.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function planOf(source: Source, request: PlanRequest): Promise<LearningPlan> {
  const column = requireColumn(source.columns, request.target, '--target');
  for (const name of request.keep) requireColumn(source.columns, name, '--keep');
  const target = await chooseTarget(source, column, request.task);
  const split = await chooseSplit(source, target);
  const splitBy = split.kind === 'time' ? split.column : null;
  const { fields, leftOut } = await chooseColumns(source, target, { keep: request.keep, splitBy });
  if (fields.length === 0) {
    const why = leftOut.map((each) => `'${each.column}': ${each.why}`).join('; ');
    throw usageError(
      'INPUT_INVALID',
      `No column is left to learn '${request.target}' from${why === '' ? '' : ` (${why})`}. Keep one with --keep, or bring more columns.`,
    );
  }
  await requireBothParts(source, target, split);
  return {
    pipeline: request.pipeline,
    dataFile: request.file.name,
    dialect: request.dialect,
    statistics: source.statistics,
    expectations: await expectationsOf(source),
    target,
    fields,
    leftOut,
    split,
    baseline: await measureBaseline(source, target, split),
    example: await exampleOf(source, fields, target),
  };
}

/** The first of the rows that lack least. */
async function exampleOf(
  { tables, relation }: Source,
  fields: readonly Field[],
  { sql }: Learned,
): Promise<LearningPlan['example']> {
  const values = fields.map((field, place) => `${exampleSql(field)} AS ${identifier(`v${place}`)}`);
  const lacking = fields.map(({ column }) => `CAST(${identifier(column)} IS NULL AS INTEGER)`).join(' + ');
  const [row = {}] = await tables.all(
    `SELECT ${values.join(', ')} FROM ${relation} WHERE (${sql}) IS NOT NULL ORDER BY ${lacking}, row_number() OVER () LIMIT 1`,
  );
  return Object.fromEntries(
    fields.map(({ column }, place) => {
      const value = row[`v${place}`];
      const plain = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
      return [column, (plain ? value : null) satisfies RecordValue];
    }),
  );
}

function exampleSql({ column, type }: Field): string {
  const name = identifier(column);
  if (type === 'timestamp') return `strftime(CAST(${name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%SZ')`;
  return type === 'number' ? `CAST(${name} AS DOUBLE)` : name;
}
