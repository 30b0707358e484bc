import { CodedError } from '../../domain/errors.ts';
import type { Guardrail } from '../../domain/guardrail.ts';

/** Rows with one value in a column; `rows` are places among the scored rows, ascending. */
export type Slice = { readonly name: string; readonly rows: Uint32Array };

/** Rare slices together, and the rows that have no value. */
const otherName = '(other)';
const missingName = '(missing)';
/** A decision stays readable, and the record of a run small. */
const mostSlices = 200;

/**
 * Cuts rows by a column's values, sorted by name. Slices that the guardrail names are never pooled. One that has no row is not there: the
 * decision sees that it is missing.
 *
 * @throws CodedError INPUT_INVALID when there are more than 200 slices.
 */
export function slicesOf(
  values: readonly (string | null)[],
  { by = '', slices: named = [], poolBelow = 0 }: Pick<Guardrail, 'by' | 'slices' | 'poolBelow'>,
): readonly Slice[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value ?? missingName, (counts.get(value ?? missingName) ?? 0) + 1);
  const places = new Map<string, number[]>();
  const keeps = new Set(named);
  for (const [row, value] of values.entries()) {
    const own = value ?? missingName;
    const name = (counts.get(own) ?? 0) < poolBelow && !keeps.has(own) ? otherName : own;
    const rows = places.get(name);
    if (rows === undefined) places.set(name, [row]);
    else rows.push(row);
  }
  if (places.size > mostSlices)
    throw new CodedError(
      'INPUT_INVALID',
      `Column '${by}' has ${places.size} slices, and at most ${mostSlices} are measured. Choose another column, or put rare slices together with 'poolBelow'.`,
      { details: { by, slices: places.size } },
    );
  return [...places]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, rows]) => ({ name, rows: Uint32Array.from(rows) }));
}

/** The name of each row's slice. */
export function namesBySlice(slices: readonly Slice[], rows: number): readonly (string | null)[] {
  const names: (string | null)[] = Array.from({ length: rows }, () => null);
  for (const { name, rows: own } of slices) for (const row of own) names[row] = name;
  return names;
}
