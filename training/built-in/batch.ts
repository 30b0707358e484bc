import * as tf from '@tensorflow/tfjs-core';
import type { Standardisation } from '../dense-model.ts';
import type { NetworkInput } from './network.ts';
import type { TrainingTable } from './training-table.ts';

/**
 * The named rows as input of the network. Each operation is rounded to 32 bits, so that the numbers are bit for bit those which Sub and
 * Div give in the exported graph.
 */
export function toInput(table: TrainingTable, { mean, deviation }: Standardisation, rows: Uint32Array): NetworkInput {
  const width = mean.length;
  const numbers = new Float32Array(rows.length * width);
  rows.forEach((row, index) => {
    for (let column = 0; column < width; column += 1) {
      const centred = Math.fround((table.numbers[row * width + column] ?? 0) - (mean[column] ?? 0));
      numbers[index * width + column] = centred / (deviation[column] ?? 1);
    }
  });
  const categories = table.names.categories.length;
  const codes = table.names.categories.map((_, column) =>
    tf.tensor1d(
      Int32Array.from(rows, (row) => table.codes[row * categories + column] ?? 0),
      'int32',
    ),
  );
  return { numbers: width === 0 ? null : tf.tensor2d(numbers, [rows.length, width]), codes };
}

/** Labels of the named rows, [n, 1]. */
export function toLabels(table: TrainingTable, rows: Uint32Array): tf.Tensor2D {
  return tf.tensor2d(
    Float32Array.from(rows, (row) => table.labels[row] ?? 0),
    [rows.length, 1],
  );
}
