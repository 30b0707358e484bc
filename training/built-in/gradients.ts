import * as tf from '@tensorflow/tfjs-core';
import type { Forward, Network, NetworkInput } from './network.ts';

/**
 * The gradient of the loss for each of the weights, in the order of `weightArrays` (back-propagation from `delta`, the gradient in the
 * network's outputs). It is written out instead of left to TensorFlow.js: its gradient of `gather` needs UnsortedSegmentSum, which the
 * WebAssembly backend lacks, and its table of gradients comes only with the layers package.
 */
export function gradients(
  network: Network,
  input: NetworkInput,
  { inputs }: Forward,
  delta: tf.Tensor2D,
): readonly tf.Tensor[] {
  const found: tf.Tensor[] = [];
  let above = delta;
  for (const [index, { kernel }] of [...network.layers.entries()].toReversed()) {
    const activation = inputs[index];
    if (activation === undefined) throw new TypeError(`layer ${index} was not run`);
    found.unshift(tf.matMul(activation, above, true, false), tf.sum(above, 0));
    if (index === 0 && network.embeddings.length === 0) break;
    // The backend is slow where it transposes by itself.
    const back = tf.matMul<tf.Tensor2D>(above, tf.transpose(kernel));
    // ReLU passes the gradient where its output is above 0; the first layer's input is no ReLU's output.
    above = index === 0 ? back : tf.mul(back, tf.step(activation));
  }
  return [...embeddingGradients(network, input, above), ...found];
}

/** The columns of the concatenated input go back to the rows that they were read from; ScatterND adds up rows that were read more than once. */
function embeddingGradients(network: Network, input: NetworkInput, delta: tf.Tensor2D): readonly tf.Tensor[] {
  let column = input.numbers?.shape[1] ?? 0;
  return network.embeddings.map((table, index) => {
    const codes = input.codes[index];
    if (codes === undefined) throw new TypeError(`category ${index} has no codes`);
    const [, width] = table.shape;
    const part = tf.slice2d(delta, [0, column], [-1, width]);
    column += width;
    return tf.scatterND(tf.expandDims(codes, 1), part, table.shape);
  });
}
