import type { SampleRow } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import type { TableRow } from '../../stores/tables.ts';
import { shownSql, shownValue } from './shown.ts';
import { identifier } from '../../stores/tables.ts';

const columnsPerSample = 20;

/** Which columns a sample shows: those in question first, others up to twenty. */
export type SampleColumns = { readonly names: readonly string[]; readonly sql: string };

/** The columns of a sample and the SQL that selects them with the row's place. */
export function sampleColumns(layout: Layout, first: readonly string[]): SampleColumns {
  const own = layout.columns.filter(({ name }) => first.includes(name));
  const others = layout.columns.filter(({ name }) => !first.includes(name));
  const shown = [...own, ...others].slice(0, columnsPerSample);
  const columns = shown.map(({ name, type }) => `${shownSql(name, type)} AS ${identifier(name)}`);
  return { names: shown.map(({ name }) => name), sql: ['file_index', 'file_row_number', ...columns].join(', ') };
}

/** A result row as a sample: its file's key, its row from 1, its values. */
export function sampleOf(layout: Layout, columns: SampleColumns, row: TableRow): SampleRow {
  return {
    key: layout.files[Number(row['file_index'])]?.key ?? '',
    row: Number(row['file_row_number']) + 1,
    values: Object.fromEntries(columns.names.map((name) => [name, shownValue(row[name])])),
  };
}
