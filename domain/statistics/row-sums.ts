/**
 * What rows add to sums that a metric is made of, sparse: unit `u` adds `terms[j]` to the sum `slots[j]` for j from `offsets[u]` up to
 * `offsets[u + 1]`. A unit is one row, or a group of rows.
 */
export type RowSums = {
  readonly offsets: Uint32Array;
  readonly slots: Uint32Array;
  readonly terms: Float64Array;
  /** How many sums there are. */
  readonly size: number;
};

/** Rows that each add to the same number of sums: `slots` and `terms` are row-major [rows, each]. */
export function evenSums(each: number, { slots, terms, size }: Pick<RowSums, 'slots' | 'terms' | 'size'>): RowSums {
  const rows = each === 0 ? 0 : slots.length / each;
  const offsets = new Uint32Array(rows + 1);
  for (let row = 1; row <= rows; row++) offsets[row] = row * each;
  return { offsets, slots, terms, size };
}

/** The sums over all units. */
export function totalOf({ slots, terms, size }: RowSums): Float64Array {
  const sums = new Float64Array(size);
  for (let entry = 0; entry < terms.length; entry++) {
    const slot = slots[entry] ?? 0;
    sums[slot] = (sums[slot] ?? 0) + (terms[entry] ?? 0);
  }
  return sums;
}

/** The sums where unit `u` counts `weights[u]` times, written into `sums`. */
export function weightedTotal(
  { offsets, slots, terms }: RowSums,
  weights: ArrayLike<number>,
  sums: Float64Array,
): void {
  sums.fill(0);
  for (let unit = 0; unit < offsets.length - 1; unit++) {
    const weight = weights[unit] ?? 0;
    if (weight === 0) continue;
    const end = offsets[unit + 1] ?? 0;
    for (let entry = offsets[unit] ?? 0; entry < end; entry++) {
      const slot = slots[entry] ?? 0;
      sums[slot] = (sums[slot] ?? 0) + weight * (terms[entry] ?? 0);
    }
  }
}
