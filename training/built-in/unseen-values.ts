import type { DenseWeights } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';

/**
 * Gives each embedding that no learned row read the mean of the others, weighted by how often each was read, so that a new value counts as an
 * average one: that of values outside the vocabulary (row 0), where all values fit into it, and those that only held-out rows have.
 */
export function withUnseenValues(weights: DenseWeights, table: TrainingTable, learned: Uint32Array): DenseWeights {
  weights.embeddings.forEach(({ rows, columns, values }, column) => {
    const counts = countsOf(table, column, learned, rows);
    const unread = counts.flatMap((count, row) => (count === 0 ? [row] : []));
    for (let cell = 0; cell < columns; cell += 1) {
      const mean =
        counts.reduce((sum, count, row) => sum + count * (values[row * columns + cell] ?? 0), 0) / learned.length;
      for (const row of unread) values[row * columns + cell] = mean;
    }
  });
  return weights;
}

function countsOf(table: TrainingTable, column: number, learned: Uint32Array, rows: number): readonly number[] {
  const width = table.vocabularies.length;
  const counts = Array.from({ length: rows }, () => 0);
  for (const row of learned) {
    const code = table.codes[row * width + column] ?? 0;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}
