import { drawBelow } from './philox.ts';
import type { RowSums } from './row-sums.ts';

/**
 * Which of `groups` each row is in: a random partition into groups of equal size (one more or less). Groups of independent rows are
 * independent too, so a bootstrap may resample them instead of the rows, and its cost no longer grows with the rows.
 */
export function randomGroups(rows: number, groups: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const drawn = new Uint32Array(rows);
  drawBelow(drawn, 2 ** 32, { seed, stream: 2 ** 32 - 1 });
  for (let last = rows - 1; last > 0; last--) {
    const chosen = Math.floor(((drawn[last] ?? 0) * (last + 1)) / 2 ** 32);
    const held = order[last] ?? 0;
    order[last] = order[chosen] ?? 0;
    order[chosen] = held;
  }
  const groupOf = new Uint32Array(rows);
  for (const [place, row] of order.entries()) groupOf[row] = place % groups;
  return groupOf;
}

/** The same sums with groups of rows as units. */
export function groupSums(sums: RowSums, groupOf: Uint32Array, groups: number): RowSums {
  const members = membersOf(groupOf, groups);
  const [slots, terms]: [number[], number[]] = [[], []];
  const offsets = new Uint32Array(groups + 1);
  const scratch = new Float64Array(sums.size);
  const seen = new Uint8Array(sums.size);
  for (const [group, rows] of members.entries()) {
    const touched: number[] = [];
    for (const row of rows) {
      const end = sums.offsets[row + 1] ?? 0;
      for (let entry = sums.offsets[row] ?? 0; entry < end; entry++) {
        const slot = sums.slots[entry] ?? 0;
        if (seen[slot] === 0) touched.push(slot);
        seen[slot] = 1;
        scratch[slot] = (scratch[slot] ?? 0) + (sums.terms[entry] ?? 0);
      }
    }
    for (const slot of touched) {
      slots.push(slot);
      terms.push(scratch[slot] ?? 0);
      scratch[slot] = 0;
      seen[slot] = 0;
    }
    offsets[group + 1] = slots.length;
  }
  return { offsets, slots: Uint32Array.from(slots), terms: Float64Array.from(terms), size: sums.size };
}

function membersOf(groupOf: Uint32Array, groups: number): readonly number[][] {
  const members: number[][] = Array.from({ length: groups }, () => []);
  for (const [row, group] of groupOf.entries()) members[group]?.push(row);
  return members;
}
