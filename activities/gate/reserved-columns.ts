import { CodedError } from '../../domain/errors.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';

/** Names that quarantine and row numbers need; DuckDB gives rows their place under the first two. */
const reservedColumns = ['file_index', 'file_row_number', '_key', '_row', '_codes'];
/** What helper columns of queries begin with: one of the data would be taken for one of them. */
const reservedBeginning = 'perdura ';

/** @throws CodedError INPUT_INVALID for a file with a column that would hide a row's place. */
export function refuseReserved(layout: Layout): void {
  for (const file of layout.files) {
    const names = [...file.columns.keys()].map((name) => name.toLowerCase());
    const taken = names.find((name) => reservedColumns.includes(name) || name.startsWith(reservedBeginning));
    if (taken === undefined) continue;
    throw new CodedError('INPUT_INVALID', `${file.key} has a column '${taken}', a name that is reserved. Rename it.`);
  }
}
