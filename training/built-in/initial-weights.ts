import type { DenseLayer, DenseWeights, Matrix } from '../dense-model.ts';
import type { Random } from './random.ts';

/** Widths of a network; `vocabularies` are the numbers of known values, without the row for unseen ones. */
export type DenseShape = {
  readonly numbers: number;
  readonly vocabularies: readonly number[];
  readonly embedding: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
};

/**
 * The weights that training begins with: Glorot uniform kernels (Glorot and Bengio 2010), zero biases, embeddings uniform in ±0.05
 * as Keras has them. Row 0 of an embedding begins at zero.
 */
export function initialWeights(shape: DenseShape, random: Random): DenseWeights {
  const embeddings = shape.vocabularies.map((size) => {
    const table = uniform(size + 1, shape.embedding, 0.05, random);
    table.values.fill(0, 0, shape.embedding);
    return table;
  });
  const inputs = shape.numbers + shape.vocabularies.length * shape.embedding;
  const widths = [inputs, ...shape.hidden, shape.outputs];
  const layers = widths.slice(1).map((columns, index): DenseLayer => {
    const rows = widths[index] ?? 0;
    return {
      kernel: uniform(rows, columns, Math.sqrt(6 / (rows + columns)), random),
      bias: new Float32Array(columns),
    };
  });
  return { embeddings, layers };
}

function uniform(rows: number, columns: number, limit: number, random: Random): Matrix {
  const values = Float32Array.from({ length: rows * columns }, () => (2 * random() - 1) * limit);
  return { rows, columns, values };
}
