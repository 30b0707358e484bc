import { CodedError } from '../../domain/errors.ts';
import { type FeatureModule, type FeatureNames, fieldType } from '../../domain/features.ts';
import { labelColumn } from '../../domain/program-job.ts';
import type { Target } from '../../domain/target.ts';
import { relationSql } from '../../stores/slices.ts';
import { identifier, literal, type Tables } from '../../stores/tables.ts';
import { labelSql } from '../label-column.ts';
import {
  countRows,
  type LabelledRowsQuery,
  readClasses,
  readFeatureNames,
  readLabelledRows,
} from '../labelled-rows.ts';
import { recordColumns, wholeRecordSql } from '../record-columns.ts';
import { noRows } from '../training-table.ts';
import type { TrainingJob } from '../training-job.ts';
import { withRows } from '../with-rows.ts';
import { openParquetWriter, parquetOptions } from './parquet-writer.ts';
import { type PassedColumns, passedColumns } from './passed-columns.ts';
import type { WorkFolder } from './work-folder.ts';

/** What a program's data files hold. */
export type TrainingData = {
  readonly names: FeatureNames;
  /** Sorted; null where the target is not multiclass. */
  readonly classes: readonly string[] | null;
  readonly rows: number;
  readonly skipped: number;
  /** Share of true labels; null where the target is not binary. */
  readonly labelShare: number | null;
};

type Options = {
  readonly work: WorkFolder;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
};

/** So many rows of the training data have the program's own answers held against the exported model's. */
const checkedRows = 1_000;
const told = 1_000_000;

/**
 * Writes the features and labels of a job's rows as Parquet, in the order of the data, and evenly spaced rows of it without labels. Where
 * the features only pass columns on, SQL writes it; else each row goes through the feature function.
 *
 * @throws CodedError INPUT_INVALID when no row is left or all labels are equal, FEATURES_INVALID when two features would share a column's
 * name; those of `readLabelledRows`.
 */
export async function writeTrainingData(
  job: TrainingJob,
  features: FeatureModule,
  options: Options,
): Promise<TrainingData> {
  const bounds = { dataset: job.dataset, workFolder: options.work.folder, memoryLimit: '768MiB' };
  return withRows({ ...job, features }, bounds, async (tables, query) => {
    const selected = await countRows(tables, query);
    const names = await readFeatureNames(tables, query);
    if (names === null) throw noRows(query, selected);
    requireColumnNames(names);
    const classes = query.target.task === 'multiclass' ? await readClasses(tables, query) : null;
    const passed = passedColumns(features);
    if (passed === null || !(await writeBySql(tables, query, { names, passed, file: options.work.training })))
      await writeByFunction(tables, query, { names, classes, options });
    const { rows, labels, share } = await describeLabels(tables, query.target, options.work.training);
    if (rows === 0) throw noRows(query, selected);
    if (labels < 2) throw constant(query.target, rows);
    await writeCheck(tables, rows, options.work);
    return { names, classes, rows, skipped: selected - rows, labelShare: share };
  });
}

/** One row in `of`, evenly spaced, exactly `sample` of them: without randomness. `n` counts from 1. */
export function evenlySpacedSql(n: string, sample: number, of: number): string {
  if (sample >= of) return 'true';
  // 64 bits are enough up to 10^14 rows of 50,000.
  return `(${n} * ${sample}) // ${of} > ((${n} - 1) * ${sample}) // ${of}`;
}

/**
 * False where a value asks for the feature function's own word: null where no feature may be, a number beyond 32 bits, a label that is none.
 * Then nothing is said here, because the other way says it well.
 */
async function writeBySql(
  tables: Tables,
  query: LabelledRowsQuery,
  { names, passed, file }: { readonly names: FeatureNames; readonly passed: PassedColumns; readonly file: string },
): Promise<boolean> {
  const fields = Object.keys(query.features.record);
  const columns = recordColumns(query.features);
  const label = labelSql(query.target);
  const all = [...names.numbers, ...names.categories];
  if (all.length !== passed.size) return false;
  const values = all.map((name) => {
    const field = passed.get(name) ?? '';
    const column = columns[fields.indexOf(field)] ?? 'NULL';
    const value = names.numbers.includes(name) ? `CAST(${column} AS FLOAT)` : column;
    const { optional } = fieldType(query.features.record[field] ?? 'string');
    return optional ? `CASE WHEN ${value} IS NULL THEN error('a feature is missing') ELSE ${value} END` : value;
  });
  // Named outside: an alias inside could hide a column that the condition names.
  const outside = [...all, labelColumn].map(identifier).join(', ');
  try {
    await tables.all('SET threads = 2');
    await tables.all(
      `COPY (SELECT * FROM (
         SELECT ${[...values, checkedLabel(query.target, label)].join(', ')} FROM ${relationSql(query.parquetFiles)}
         WHERE (${query.where}\n) AND ${label} IS NOT NULL AND ${wholeRecordSql(query.features.record)}
       ) AS rows(${outside})) TO ${literal(file)} (${parquetOptions})`,
    );
    return true;
  } catch (error) {
    // The other way reads the same rows and meets the same fault, with the row at hand.
    if (error instanceof Error && !(error instanceof CodedError)) return false;
    throw error;
  }
}

function checkedLabel({ task }: Target, label: string): string {
  switch (task) {
    case 'binary':
      return `CASE ${label} WHEN 1 THEN true WHEN 0 THEN false ELSE error('no label') END`;
    case 'multiclass':
      return label;
    case 'regression':
      return `CASE WHEN isfinite(${label}) THEN ${label} ELSE error('no label') END`;
    default:
      return task satisfies never;
  }
}

async function writeByFunction(
  tables: Tables,
  query: LabelledRowsQuery,
  given: { readonly names: FeatureNames; readonly classes: readonly string[] | null; readonly options: Options },
): Promise<void> {
  const { names, classes, options } = given;
  const { task } = query.target;
  const writer = await openParquetWriter({ names, classes, task }, options.work.folder);
  let written = 0;
  try {
    for await (const { rows, labels } of readLabelledRows(tables, query, names, { classes: classes ?? [] })) {
      options.signal.throwIfAborted();
      writer.append(rows, labels);
      if (Math.floor((written + rows.rows) / told) > Math.floor(written / told))
        options.onProgress(`${written + rows.rows} rows prepared`);
      written += rows.rows;
    }
    await writer.finish(options.work.training);
  } finally {
    writer.close();
  }
}

async function describeLabels(
  tables: Tables,
  { task }: Target,
  file: string,
): Promise<{ readonly rows: number; readonly labels: number; readonly share: number | null }> {
  const label = identifier(labelColumn);
  const share = task === 'binary' ? `avg(CAST(${label} AS INTEGER))` : 'NULL';
  const [row] = await tables.all(
    `SELECT count(*) AS n, CASE WHEN min(${label}) = max(${label}) THEN 1 ELSE 2 END AS labels, ${share} AS share FROM ${relationSql([file])}`,
  );
  const value = row?.['share'];
  return { rows: Number(row?.['n']), labels: Number(row?.['labels']), share: typeof value === 'number' ? value : null };
}

async function writeCheck(tables: Tables, rows: number, work: WorkFolder): Promise<void> {
  await tables.all(
    `COPY (
       SELECT * EXCLUDE (${identifier(labelColumn)}) FROM ${relationSql([work.training])}
       WHERE ${evenlySpacedSql('(file_row_number + 1)', checkedRows, rows)} ORDER BY file_row_number
     ) TO ${literal(work.check)} (${parquetOptions})`,
  );
}

/** Parquet's readers, DuckDB among them, take names that differ by case alone for the same. */
function requireColumnNames({ numbers, categories }: FeatureNames): void {
  const seen = new Map([[labelColumn, labelColumn]]);
  for (const name of [...numbers, ...categories]) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      throw new CodedError(
        'FEATURES_INVALID',
        `Feature '${name}' and '${other}' would be the same column of the trainer's data. Give it another name in the pipeline's features.ts.`,
      );
    seen.set(name.toLowerCase(), name);
  }
}

function constant(target: Target, rows: number): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `Target '${target.name}' (${target.sql}) has the same value in all ${rows} rows: there is nothing to learn. Correct the target or take other data.`,
  );
}
