import { CodedError } from '../../domain/errors.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';

/** Names that quarantine and row numbers need; DuckDB gives rows their place under the first two. */
const reservedColumns = ['file_index', 'file_row_number', '_key', '_row', '_codes'];

/** @throws CodedError INPUT_INVALID for a file with a column that would hide a row's place. */
export function refuseReserved(layout: Layout): void {
  for (const file of layout.files) {
    const names = new Set([...file.columns.keys()].map((name) => name.toLowerCase()));
    const taken = reservedColumns.find((name) => names.has(name));
    if (taken === undefined) continue;
    throw new CodedError('INPUT_INVALID', `${file.key} has a column '${taken}', a name that is reserved. Rename it.`);
  }
}
