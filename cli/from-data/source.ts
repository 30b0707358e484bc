import { inferSchema } from '../../domain/infer-schema.ts';
import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { Expectation } from '../../domain/expectation.ts';
import type { Column, TextDialect } from '../../domain/snapshot.ts';
import { relationSql } from '../../stores/slices.ts';
import { describeFiles } from '../../stores/snapshots/describe-files.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import { usageError } from '../errors.ts';
import { preparedFiles } from '../local-data.ts';

/** A file of data that is looked at: `relation` is what SQL selects from. */
export type Source = {
  readonly tables: Tables;
  readonly relation: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly statistics: SnapshotStatistics;
};

/** Fewer rows cannot be split into what is learned from and what is judged on. */
const fewestRows = 50;

/**
 * Reads a file as a snapshot of it would be read.
 *
 * @throws CodedError NOT_FOUND or DATA_UNREADABLE for the file; INPUT_INVALID where there is too little to learn from.
 */
export async function openSource(
  tables: Tables,
  file: { readonly name: string; readonly path: string; readonly dataset: string },
  options: { readonly scratch: string; readonly dialect: TextDialect | null },
): Promise<Source> {
  const files = await preparedFiles([file], options);
  const { columns } = await describeFiles(tables, files);
  const paths = files.map(({ path }) => path);
  const measured = await measureStatistics(tables, paths, columns);
  const { rows } = measured;
  refuseColumns(file.name, columns);
  if (rows < fewestRows)
    throw usageError(
      'INPUT_INVALID',
      `${file.name} has ${rows} rows. At least ${fewestRows} are needed, to learn from some and to judge on the others.`,
    );
  const statistics = { dataset: file.dataset, digest: '', edgesFrom: '', ...measured };
  return { tables, relation: relationSql(paths), rows, columns, statistics };
}

/** The proposed schema. Whether values are all different is only an estimate there: what the data says otherwise is left out. */
export async function expectationsOf({ tables, relation, statistics }: Source): Promise<readonly Expectation[]> {
  const kept: Expectation[] = [];
  for (const expectation of inferSchema(statistics)) {
    if (expectation.kind === 'unique') {
      const keys = expectation.columns.map(identifier).join(', ');
      const sql = `SELECT 1 FROM ${relation} GROUP BY ${keys} HAVING count(*) > 1 LIMIT 1`;
      if ((await tables.all(sql)).length > 0) continue;
    }
    kept.push(expectation);
  }
  return kept;
}

/** Names that a snapshot refuses, and the one that an object of JavaScript cannot have as a field. */
const reserved = /^(?:file_index|file_row_number|_key|_row|_codes|__proto__|perdura .*)$/i;

function refuseColumns(file: string, columns: readonly Column[]): void {
  const [only] = columns;
  const separator = columns.length === 1 ? /[;\t|]/.exec(only?.name ?? '')?.[0] : undefined;
  if (separator !== undefined) {
    const typed = separator === '\t' ? '\\t' : separator;
    throw usageError(
      'INPUT_INVALID',
      `${file} has one column, '${only?.name}'. Is it written with --delimiter '${typed}'?`,
    );
  }
  const taken = columns.find(({ name }) => reserved.test(name));
  if (taken === undefined) return;
  throw usageError('INPUT_INVALID', `${file} has a column '${taken.name}', a name that is reserved. Rename it.`);
}
