import * as tf from '@tensorflow/tfjs-core';
import type { DenseModel } from '../dense-model.ts';
import { toInput } from './batch.ts';
import { disposeNetwork, logits, toNetwork } from './network.ts';
import type { TrainingTable } from './training-table.ts';

/** The trainer's own probabilities of the named rows: what the exported file is held against. */
export function predictRows(model: DenseModel, table: TrainingTable, rows: Uint32Array): Float32Array {
  const network = toNetwork(model.weights);
  try {
    return tf.tidy(() =>
      tf
        .sigmoid(logits(network, toInput(table, model.standardisation, rows)))
        .dataSync<'float32'>()
        .slice(),
    );
  } finally {
    disposeNetwork(network);
  }
}
