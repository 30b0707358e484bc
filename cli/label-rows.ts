import { stat } from 'node:fs/promises';

import { CodedError, isCoded } from '../domain/errors.ts';
import type { LabelRow } from '../domain/inference.ts';
import { labelNumber } from '../domain/label.ts';
import type { Signature } from '../domain/model-package.ts';
import type { DataFormat } from '../domain/snapshot.ts';
import { compressionOf, dataFormat } from '../stores/data-files/format.ts';
import { unreadable } from '../stores/data-files/unreadable.ts';
import { requireWhole } from '../stores/data-files/whole-stream.ts';
import { identifier, literal, openTables, pathLiteral, type TableRow, type Tables } from '../stores/tables.ts';

/** A label of a file; `at` null where the file does not say when the outcome became known. */
export type FileLabel = Omit<LabelRow, 'at'> & { readonly at: string | null };

/** What tells a file's columns, and what gives its rows. */
type Relation = { readonly names: string; readonly rows: string };

/** As ids come with requests; of a request with several rows `<id>/<place>`. */
const visible = /^\P{C}{1,210}$/u;
const shownProblems = 10;
const columns = ['requestId', 'label', 'at'] as const;

/**
 * Reads labels of a CSV, JSON lines or Parquet file: classes by name, true and false, or numbers, as the signature says.
 *
 * @throws CodedError INPUT_INVALID listing the first wrong rows; DATA_UNREADABLE; NOT_FOUND.
 */
export async function readLabels(file: string, signature: Signature): Promise<readonly FileLabel[]> {
  if ((await stat(file).catch(() => null)) === null)
    throw new CodedError('NOT_FOUND', `${file} does not exist. Correct the path.`, { details: { file } });
  const format = dataFormat(file);
  const tables = await openTables();
  try {
    await requireWhole(file, compressionOf(file));
    return await checkedRows(tables, file, { relation: relationOf(file, format), signature });
  } catch (error) {
    throw isCoded(error) ? error : unreadable(file, error, file);
  } finally {
    tables.close();
  }
}

async function checkedRows(
  tables: Tables,
  file: string,
  { relation, signature }: { readonly relation: Relation; readonly signature: Signature },
): Promise<readonly FileLabel[]> {
  const has = await columnsOf(tables, file, relation.names);
  const selected = columns.map((name) => (has.has(name) ? `CAST(${identifier(name)} AS VARCHAR)` : 'NULL'));
  const sql = `SELECT ${columns.map((name, place) => `${selected[place] ?? ''} AS ${identifier(name)}`).join(', ')} FROM ${relation.rows}`;
  const labels: FileLabel[] = [];
  const seen = new Map<string, number>();
  const problems: string[] = [];
  for await (const rows of tables.chunks(sql)) {
    for (const row of rows) {
      const place = labels.length + problems.length + 1;
      try {
        const label = labelOf(signature, row);
        const before = seen.get(label.requestId);
        if (before !== undefined) throw invalid(`request '${label.requestId}' stands in row ${before} already`);
        seen.set(label.requestId, place);
        labels.push(label);
      } catch (error) {
        if (!isCoded(error, 'INPUT_INVALID')) throw error;
        problems.push(`row ${place}: ${error.message}`);
      }
    }
  }
  if (problems.length > 0) throw refused(file, problems);
  if (labels.length === 0) throw new CodedError('INPUT_INVALID', `${file} holds no rows. Nothing was written.`);
  return labels;
}

/** The columns that a file has. @throws CodedError INPUT_INVALID for one that is missing or means nothing here. */
async function columnsOf(tables: Tables, file: string, relation: string): Promise<ReadonlySet<string>> {
  const described = await tables.all(`DESCRIBE SELECT * FROM ${relation}`);
  const names = described.map((row) => String(row['column_name']));
  const missing = ['requestId', 'label'].find((name) => !names.includes(name));
  const strange = names.find((name) => !columns.some((known) => known === name));
  const problem = missing === undefined ? strange && `a column '${strange}'` : `no column '${missing}'`;
  if (problem === undefined) return new Set(names);
  throw new CodedError(
    'INPUT_INVALID',
    `${file} has ${problem}; a file of labels has requestId, label and, where it is known, at. Nothing was written.`,
    { details: { file } },
  );
}

function labelOf(signature: Signature, { requestId, label, at }: TableRow): FileLabel {
  if (typeof requestId !== 'string' || !visible.test(requestId)) throw invalid('its requestId is empty or no text');
  if (label === null) throw invalid('its label is empty');
  return { requestId, label: labelNumber(signature, label), at: typeof at === 'string' ? timeOf(at) : null };
}

/** No zone means UTC; a day alone is its beginning. */
function timeOf(at: string): string {
  const zone = /\d:\d\d(?::[\d.]+)?(z|[+-]\d\d(?::?\d\d)?)?$/i.exec(at);
  const whole = zone?.[1]?.length === 3 ? `${at}:00` : at;
  const time = Date.parse((zone !== null && zone[1] === undefined ? `${whole}Z` : whole).replace(' ', 'T'));
  if (Number.isFinite(time)) return new Date(time).toISOString();
  throw invalid(`its at ${JSON.stringify(at)} is no ISO 8601 time`);
}

/** Text stays text: DuckDB would make a number of the id `007`, and a day of one that looks so. */
function relationOf(file: string, format: DataFormat): Relation {
  switch (format) {
    case 'parquet': {
      const rows = `read_parquet(${pathLiteral(file)})`;
      return { names: rows, rows };
    }
    case 'jsonl': {
      const lines = `read_json(${pathLiteral(file)}, format = 'newline_delimited'`;
      const types = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
      return { names: `${lines}, maximum_depth = 1)`, rows: `${lines}, columns = {${types}})` };
    }
    case 'csv':
    case 'tsv': {
      const delimiter = format === 'csv' ? ',' : '\t';
      const rows = `read_csv(${pathLiteral(file)}, header = true, all_varchar = true, delim = ${literal(delimiter)})`;
      return { names: rows, rows };
    }
    default:
      return format satisfies never;
  }
}

function refused(file: string, problems: readonly string[]): CodedError {
  const more = problems.length - shownProblems;
  const lines = [...problems.slice(0, shownProblems), ...(more > 0 ? [`and ${more} more`] : [])];
  const message = `${file} has ${problems.length} wrong ${problems.length === 1 ? 'row' : 'rows'}; nothing was written.`;
  return new CodedError('INPUT_INVALID', [message, ...lines.map((line) => `- ${line}`)].join('\n'), {
    details: { file, problems: problems.slice(0, shownProblems), wrong: problems.length },
  });
}

function invalid(problem: string): CodedError {
  return new CodedError('INPUT_INVALID', `${problem}.`);
}
