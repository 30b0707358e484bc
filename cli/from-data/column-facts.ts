import type { Column } from '../../domain/snapshot.ts';
import { identifier } from '../../stores/tables.ts';
import { usageError } from '../errors.ts';
import { suggestion } from '../nearest.ts';
import type { Source } from './source.ts';

/** What is known of a column's values, exactly. Numbers and times (epoch milliseconds) have a median and a range. */
export type ColumnFacts = {
  readonly column: Column;
  readonly present: number;
  readonly distinct: number;
  /** The most frequent value as text; of equally frequent ones the first by the alphabet. */
  readonly mode: string | null;
  readonly numbers: NumberFacts | null;
  /** Only for text that holds numbers, but for a few words. */
  readonly words: readonly string[];
};

export type NumberFacts = {
  readonly min: number;
  readonly max: number;
  readonly median: number;
  readonly distinct: number;
  /** Of the values, and of log(1 + value) where none is negative. */
  readonly skewness: number | null;
  readonly loggedSkewness: number | null;
  /** Only whole numbers; of times only whole days. */
  readonly whole: boolean;
  /** Of times: how many different days and months of the year they have; 0 for numbers. */
  readonly days: number;
  readonly months: number;
};

/** Text with more other words than this is no column of numbers with a mark for "missing". */
const mostWords = 3;

/** The value without NaN, which is none. */
export function valueSql({ name, type }: Column): string {
  const column = identifier(name);
  return type === 'number' ? `CASE WHEN isnan(CAST(${column} AS DOUBLE)) THEN NULL ELSE ${column} END` : column;
}

/** A column's value as a number, where it has one: a time in epoch milliseconds, text as it can be read. */
export function numberSql(column: Column): string {
  const value = valueSql(column);
  switch (column.type) {
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${value} AS TIMESTAMP)) AS DOUBLE)`;
    case 'string':
      return `TRY_CAST(trim(${value}) AS DOUBLE)`;
    case 'integer':
    case 'number':
    case 'boolean':
      return `CAST(${value} AS DOUBLE)`;
    case 'other':
      return 'CAST(NULL AS DOUBLE)';
    default:
      return column.type satisfies never;
  }
}

/** Looks at one column of the data. */
export async function columnFacts(source: Source, column: Column): Promise<ColumnFacts> {
  const value = valueSql(column);
  const [row = {}] = await source.tables.all(
    `SELECT count(${value}) AS present, count(DISTINCT ${value}) AS "distinct" FROM ${source.relation}`,
  );
  const [most] = await source.tables.all(
    `SELECT CAST(${value} AS VARCHAR) AS mode FROM ${source.relation} WHERE ${value} IS NOT NULL
     GROUP BY ALL ORDER BY count(*) DESC, mode LIMIT 1`,
  );
  const present = Number(row['present']);
  const words = column.type === 'string' ? await wordsAmongNumbers(source, column, present) : [];
  const numeric = column.type !== 'other' && (column.type !== 'string' || words.length > 0);
  return {
    column,
    present,
    distinct: Number(row['distinct']),
    mode: typeof most?.['mode'] === 'string' ? most['mode'] : null,
    numbers: numeric ? await numberFacts(source, column) : null,
    words,
  };
}

async function numberFacts({ tables, relation }: Source, column: Column): Promise<NumberFacts | null> {
  const isTime = column.type === 'timestamp';
  const calendar = (unit: string) => (isTime ? `count(DISTINCT ${unit})` : '0');
  const [row = {}] = await tables.all(
    `SELECT min(v) AS min, max(v) AS max, median(v) AS median, count(DISTINCT v) AS "distinct",
       CASE WHEN max(abs(v)) < 1e50 THEN skewness(CASE WHEN abs(v) < 1e50 THEN v END) END AS skewness,
       CASE WHEN min(v) >= 0 THEN skewness(CASE WHEN v >= 0 THEN ln(1 + v) END) END AS logged, bool_and(v % ${isTime ? 86_400_000 : 1} = 0) AS whole,
       ${calendar('floor(v / 86400000)')} AS days, ${calendar('month(make_timestamp_ms(CAST(v AS BIGINT)))')} AS months
     FROM (SELECT ${numberSql(column)} AS v FROM ${relation}) WHERE isfinite(v)`,
  );
  const { min, max, median } = row;
  if (typeof min !== 'number' || typeof max !== 'number' || typeof median !== 'number') return null;
  const finite = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  return {
    min,
    max,
    median,
    distinct: Number(row['distinct']),
    skewness: finite(row['skewness']),
    loggedSkewness: finite(row['logged']),
    whole: row['whole'] === true,
    days: Number(row['days']),
    months: Number(row['months']),
  };
}

/** Numbers with a leading zero are codes, which is why they came as text. */
async function wordsAmongNumbers(
  { tables, relation }: Source,
  column: Column,
  present: number,
): Promise<readonly string[]> {
  const value = identifier(column.name);
  const number = numberSql(column);
  const [row = {}] = await tables.all(
    `SELECT count(DISTINCT ${number}) AS numbers, count(${number}) AS read,
       count(DISTINCT ${value}) FILTER (${number} IS NULL) AS words, bool_or(regexp_matches(${value}, '^0[0-9]')) AS codes
     FROM ${relation}`,
  );
  const words = Number(row['words']);
  if (row['codes'] === true || words === 0 || words > mostWords) return [];
  if (Number(row['numbers']) <= 10 || 2 * Number(row['read']) < present) return [];
  const found = await tables.all(
    `SELECT DISTINCT ${value} AS word FROM ${relation} WHERE ${value} IS NOT NULL AND ${number} IS NULL ORDER BY word`,
  );
  return found.map(({ word }) => String(word));
}

/** A column by the name that a person typed. */
export function requireColumn(columns: readonly Column[], name: string, option: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const names = columns.map((column) => column.name).join(', ');
  const meant = suggestion(
    name,
    columns.map((column) => column.name),
  );
  throw usageError(
    'INPUT_INVALID',
    `The data has no column '${name}', which ${option} names.${meant} It has ${names}.`,
  );
}
