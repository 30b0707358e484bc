import * as tf from '@tensorflow/tfjs-core';
import type { DenseModel, DenseOutput } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';
import { toInput } from './batch.ts';
import { softmax } from './loss.ts';
import { forward, toNetwork } from './network.ts';

/** The trainer's own answers on the named rows, row-major [rows, width]: what the exported file is held against. */
export function predictRows(model: DenseModel, table: TrainingTable, rows: Uint32Array): Float32Array {
  return tf.tidy(() => {
    const { outputs } = forward(toNetwork(model.weights), toInput(table, model.standardisation, rows));
    return answers(model.output, outputs).dataSync<'float32'>().slice();
  });
}

function answers(output: DenseOutput, outputs: tf.Tensor2D): tf.Tensor2D {
  switch (output.task) {
    case 'binary':
      return tf.sigmoid(outputs);
    case 'multiclass':
      return softmax(outputs);
    case 'regression':
      return tf.add(tf.mul(outputs, output.deviation), output.mean);
    default:
      return output satisfies never;
  }
}
