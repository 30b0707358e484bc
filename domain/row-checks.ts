/** A row as a function of checks.ts gets it: numbers, text, true or false, times in epoch milliseconds; null where there is no value. */
export type CheckedRow = Readonly<Record<string, number | string | boolean | null>>;

/**
 * The functions that a pipeline's checks.ts exports, by name; each says true for a good row. Pure: the same row, the same answer.
 *
 * @example export const plausibleRoute = (row: CheckedRow): boolean => row.origin !== row.destination;
 */
export type RowChecks = Readonly<Record<string, (row: CheckedRow) => unknown>>;

/** Row functions and the SHA-256 of the code that they come from. */
export type LoadedChecks = { readonly checks: RowChecks; readonly sha256: string };
