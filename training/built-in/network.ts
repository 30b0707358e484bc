import * as tf from '@tensorflow/tfjs-core';
import type { DenseWeights, Matrix } from '../dense-model.ts';

/** The weights as tensors of TensorFlow.js. They live outside the garbage collector: make them inside `tf.tidy`. */
export type Network = {
  readonly embeddings: readonly tf.Tensor2D[];
  readonly layers: readonly { readonly kernel: tf.Tensor2D; readonly bias: tf.Tensor1D }[];
};

/** One batch as tensors: standardised `numbers` [n, k] (null: the model has none) and for each category its codes [n]. */
export type NetworkInput = { readonly numbers: tf.Tensor2D | null; readonly codes: readonly tf.Tensor1D[] };

/** The input of each layer, and the last one's values [n, outputs]: logits, or predictions of the standardised target. */
export type Forward = { readonly inputs: readonly tf.Tensor2D[]; readonly outputs: tf.Tensor2D };

/** Copies weights into tensors. */
export function toNetwork(weights: DenseWeights): Network {
  return {
    embeddings: weights.embeddings.map(toTensor),
    layers: weights.layers.map(({ kernel, bias }) => ({ kernel: toTensor(kernel), bias: tf.tensor1d(bias) })),
  };
}

/** Runs the network and keeps what its gradients need. */
export function forward(network: Network, input: NetworkInput): Forward {
  const inputs: tf.Tensor2D[] = [];
  let activation = concatenate(network, input);
  for (const [index, { kernel, bias }] of network.layers.entries()) {
    inputs.push(activation);
    const sum = tf.add<tf.Tensor2D>(tf.matMul(activation, kernel), bias);
    activation = index === network.layers.length - 1 ? sum : tf.relu(sum);
  }
  return { inputs, outputs: activation };
}

function concatenate(network: Network, { numbers, codes }: NetworkInput): tf.Tensor2D {
  const embedded = network.embeddings.flatMap((table, column) => {
    const rows = codes[column];
    return rows === undefined ? [] : [tf.gather<tf.Tensor2D>(table, rows)];
  });
  const parts = numbers === null ? embedded : [numbers, ...embedded];
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : tf.concat2d(parts, 1);
}

function toTensor({ rows, columns, values }: Matrix): tf.Tensor2D {
  return tf.tensor2d(values, [rows, columns]);
}
