import type { Column, ColumnDeviation, ColumnType } from '../../domain/snapshot.ts';
import { unreadable } from '../data-files.ts';
import { relationSql } from '../slices.ts';
import type { Tables } from '../tables.ts';

/** A data file on this machine; `key` is its name towards people. */
export type LocalFile = { readonly key: string; readonly path: string };

/** What a file's own header says. */
export type FileLayout = LocalFile & { readonly columns: ReadonlyMap<string, ColumnType> };

/** The columns of several files read as one: the union, with the type that fits all of them, in order of first appearance. */
export type Layout = { readonly files: readonly FileLayout[]; readonly columns: readonly Column[] };

/**
 * Reads the columns of each file and of all together; touches headers only.
 *
 * @throws CodedError DATA_UNREADABLE naming the file.
 */
export async function describeFiles(tables: Tables, files: readonly LocalFile[]): Promise<Layout> {
  const layouts: FileLayout[] = [];
  for (const file of files) layouts.push({ ...file, columns: await describeFile(tables, file) });
  const paths = files.map((file) => file.path);
  return { files: layouts, columns: await describe(tables, paths) };
}

/** How each file differs from the union; files that do not are left out. */
export function deviations(layout: Layout): readonly ColumnDeviation[] {
  return layout.files
    .map((file) => ({
      key: file.key,
      missing: layout.columns.filter((column) => !file.columns.has(column.name)).map((column) => column.name),
      unlike: layout.columns
        .filter((column) => file.columns.has(column.name) && file.columns.get(column.name) !== column.type)
        .map((column) => column.name),
    }))
    .filter((deviation) => deviation.missing.length + deviation.unlike.length > 0);
}

/** The type that a DuckDB type is towards the rest of Perdura; a date is a timestamp at midnight. */
export function columnType(duckdbType: string): ColumnType {
  const name = duckdbType.replace(/\(.*$/, '').toUpperCase();
  if (duckdbType.endsWith(']')) return 'other';
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/.test(name)) return 'integer';
  if (/^(FLOAT|DOUBLE|DECIMAL)$/.test(name)) return 'number';
  if (/^(VARCHAR|ENUM|UUID)$/.test(name)) return 'string';
  if (/^(DATE|TIMESTAMP.*)$/.test(name)) return 'timestamp';
  return name === 'BOOLEAN' ? 'boolean' : 'other';
}

async function describeFile(tables: Tables, file: LocalFile): Promise<ReadonlyMap<string, ColumnType>> {
  try {
    return new Map((await describe(tables, [file.path])).map((column) => [column.name, column.type]));
  } catch (error) {
    throw unreadable(file.key, error, file.path);
  }
}

async function describe(tables: Tables, paths: readonly string[]): Promise<readonly Column[]> {
  const rows = await tables.all(`DESCRIBE SELECT * FROM ${relationSql(paths)}`);
  return rows.map((row) => ({ name: String(row['column_name']), type: columnType(String(row['column_type'])) }));
}
