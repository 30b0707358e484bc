import type { Column } from '../../domain/snapshot.ts';
import { identifier, literal } from '../tables.ts';

/** One `name=value` folder of a key; the value is null where Hive wrote that there is none. */
export type Partition = { readonly name: string; readonly value: string | null };

/** What Hive and Spark call the folder of rows without a value. */
const noValue = '__HIVE_DEFAULT_PARTITION__';

/**
 * The columns that the folders of a key give all rows of its file: `data/flights/year=2001/month=01/a.csv` has `year` and `month`. Names and
 * values are percent-decoded, as Hive escapes what a path cannot hold; where a name stands twice the last one counts.
 */
export function partitionsOf(key: string): readonly Partition[] {
  const found = new Map<string, Partition>();
  for (const folder of key.split('/').slice(0, -1)) {
    const at = folder.indexOf('=');
    if (at < 1) continue;
    const name = decoded(folder.slice(0, at));
    const value = decoded(folder.slice(at + 1));
    found.set(name.toLowerCase(), { name, value: value === noValue || value === '' ? null : value });
  }
  return [...found.values()];
}

/**
 * Partition columns with the type that all their values have: whole numbers, dates, else text. One value that is another makes all of
 * them text, so that `007` beside `A1` keeps its zeros. `known` are columns that earlier files gave.
 */
export function partitionColumns(keys: Iterable<string>, known: readonly Column[] = []): readonly Column[] {
  const columns = new Map<string, Column>();
  for (const key of keys) {
    for (const { name, value } of partitionsOf(key)) {
      const place = name.toLowerCase();
      const earlier = columns.get(place) ?? known.find((column) => column.name.toLowerCase() === place);
      const column = value === null ? earlier : together(earlier, columnOf(name, value));
      if (column !== undefined) columns.set(place, column);
    }
  }
  return [...columns.values()];
}

/** The same values as SQL columns of one file; text where `columns` says that other files have text there. */
export function partitionSql(partitions: readonly Partition[], columns: readonly Column[]): readonly string[] {
  return partitions.map((partition) => `${valueSql(partition, columns)} AS ${identifier(partition.name)}`);
}

function valueSql({ name, value }: Partition, columns: readonly Column[]): string {
  const all = columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  const type = all?.type ?? (value === null ? 'string' : typeOf(value));
  const text = value === null ? 'NULL' : literal(value);
  if (type === 'string' || (value !== null && typeOf(value) === 'string')) return `CAST(${text} AS VARCHAR)`;
  return type === 'timestamp' ? `CAST(${text} AS DATE)` : `CAST(${text} AS BIGINT)`;
}

function together(one: Column | undefined, other: Column): Column {
  if (one === undefined || one.type === other.type) return one ?? other;
  return { name: one.name, type: 'string' };
}

function columnOf(name: string, value: string): Column {
  const type = typeOf(value);
  return { name, type, ...(type === 'timestamp' ? { zoned: false } : {}) };
}

function typeOf(value: string): 'integer' | 'timestamp' | 'string' {
  if (/^-?\d{1,18}$/.test(value)) return 'integer';
  return isDate(value) ? 'timestamp' : 'string';
}

function isDate(value: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

/** What is no valid escape was meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
