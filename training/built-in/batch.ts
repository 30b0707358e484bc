import * as tf from '@tensorflow/tfjs-core';
import type { Standardisation } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';
import type { LabelPlan } from './label-plan.ts';
import type { Wanted } from './loss.ts';
import type { NetworkInput } from './network.ts';

/**
 * The named rows as input of the network. Each operation is rounded to 32 bits, so that the numbers are bit for bit those which Sub and
 * Div give in the exported graph.
 */
export function toInput(table: TrainingTable, standardisation: Standardisation, rows: Uint32Array): NetworkInput {
  const width = table.names.numbers.length;
  return {
    numbers: width === 0 ? null : tf.tensor2d(standardised(table, standardisation, rows), [rows.length, width]),
    codes: table.names.categories.map((_, column) => tf.tensor1d(codesOf(table, column, rows), 'int32')),
  };
}

/** What the named rows should answer, and how much each counts. */
export function toWanted(table: TrainingTable, plan: LabelPlan, rows: Uint32Array): Wanted {
  const values = new Float32Array(rows.length * plan.outputs);
  for (let index = 0; index < rows.length; index += 1) {
    const label = table.labels[rows[index] ?? 0] ?? 0;
    if (plan.output.task === 'multiclass') values[index * plan.outputs + label] = 1;
    else values[index] = plan.scaled(label);
  }
  return {
    values: tf.tensor2d(values, [rows.length, plan.outputs]),
    weights:
      plan.classWeights === null ? null : tf.tensor2d(weightsOf(table, plan.classWeights, rows), [rows.length, 1]),
  };
}

function standardised(
  { numbers }: TrainingTable,
  { mean, deviation }: Standardisation,
  rows: Uint32Array,
): Float32Array {
  const width = mean.length;
  const values = new Float32Array(rows.length * width);
  let next = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const start = (rows[index] ?? 0) * width;
    for (let column = 0; column < width; column += 1, next += 1)
      values[next] = Math.fround((numbers[start + column] ?? 0) - (mean[column] ?? 0)) / (deviation[column] ?? 1);
  }
  return values;
}

function codesOf(table: TrainingTable, column: number, rows: Uint32Array): Int32Array {
  const width = table.names.categories.length;
  const codes = new Int32Array(rows.length);
  for (let index = 0; index < rows.length; index += 1)
    codes[index] = table.codes[(rows[index] ?? 0) * width + column] ?? 0;
  return codes;
}

function weightsOf(table: TrainingTable, classWeights: Float32Array, rows: Uint32Array): Float32Array {
  return Float32Array.from(rows, (row) => classWeights[table.labels[row] ?? 0] ?? 1);
}
