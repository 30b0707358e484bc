import * as tf from '@tensorflow/tfjs-core';
import type { DenseLayer, DenseWeights, Matrix } from '../dense-model.ts';

/** The weights as variables of TensorFlow.js, trained in place. They live outside the garbage collector: dispose of them. */
export type Network = {
  readonly embeddings: readonly tf.Variable<tf.Rank.R2>[];
  readonly layers: readonly { readonly kernel: tf.Variable<tf.Rank.R2>; readonly bias: tf.Variable<tf.Rank.R1> }[];
};

/** One batch as tensors: standardised `numbers` [n, k] (null: the model has none) and for each category its codes [n]. */
export type NetworkInput = { readonly numbers: tf.Tensor2D | null; readonly codes: readonly tf.Tensor1D[] };

/** Makes variables of weights. */
export function toNetwork(weights: DenseWeights): Network {
  return {
    embeddings: weights.embeddings.map(toVariable),
    layers: weights.layers.map(({ kernel, bias }) => ({
      kernel: toVariable(kernel),
      bias: tf.variable(tf.tensor1d(bias)),
    })),
  };
}

/** Copies the variables out again. */
export function toWeights(network: Network): DenseWeights {
  return {
    embeddings: network.embeddings.map(toMatrix),
    layers: network.layers.map(({ kernel, bias }): DenseLayer => ({
      kernel: toMatrix(kernel),
      bias: bias.dataSync<'float32'>().slice(),
    })),
  };
}

/** The logit of each row, [n, 1]. */
export function logits(network: Network, input: NetworkInput): tf.Tensor2D {
  return forward(network, input).logits;
}

/** The input of each layer, and the logits. */
export type Forward = { readonly inputs: readonly tf.Tensor2D[]; readonly logits: tf.Tensor2D };

/** Runs the network and keeps what its gradients need. */
export function forward(network: Network, input: NetworkInput): Forward {
  const inputs: tf.Tensor2D[] = [];
  let activation = concatenate(network, input);
  for (const [index, { kernel, bias }] of network.layers.entries()) {
    inputs.push(activation);
    const sum = tf.add<tf.Tensor2D>(tf.matMul(activation, kernel), bias);
    activation = index === network.layers.length - 1 ? sum : tf.relu(sum);
  }
  return { inputs, logits: activation };
}

/** Frees the variables. */
export function disposeNetwork(network: Network): void {
  tf.dispose([...network.embeddings, ...network.layers.flatMap(({ kernel, bias }) => [kernel, bias])]);
}

function concatenate(network: Network, { numbers, codes }: NetworkInput): tf.Tensor2D {
  const embedded = network.embeddings.flatMap((table, column) => {
    const rows = codes[column];
    return rows === undefined ? [] : [tf.gather<tf.Tensor2D>(table, rows)];
  });
  const parts = numbers === null ? embedded : [numbers, ...embedded];
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : tf.concat2d(parts, 1);
}

function toVariable({ rows, columns, values }: Matrix): tf.Variable<tf.Rank.R2> {
  return tf.variable(tf.tensor2d(values, [rows, columns]));
}

function toMatrix(variable: tf.Variable<tf.Rank.R2>): Matrix {
  const [rows, columns] = variable.shape;
  return { rows, columns, values: variable.dataSync<'float32'>().slice() };
}
