import * as tf from '@tensorflow/tfjs-core';
import type { Forward, Network, NetworkInput } from './network.ts';

/**
 * Mean binary cross entropy of logits, max(x, 0) - xy + ln(1 + e^-|x|), which cannot overflow; `labels` is [n, 1].
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor2D): tf.Scalar {
  const softplus = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), softplus));
}

/**
 * The gradient of `crossEntropy` for each variable, by its name (back-propagation). It is written out instead of left to
 * TensorFlow.js: its gradient of `gather` needs UnsortedSegmentSum, which the WebAssembly backend lacks, and its table of gradients
 * comes only with the layers package.
 */
export function gradients(
  network: Network,
  input: NetworkInput,
  { inputs, logits }: Forward,
  labels: tf.Tensor2D,
): tf.NamedTensorMap {
  const found: tf.NamedTensorMap = {};
  let delta: tf.Tensor2D = tf.div<tf.Tensor2D>(tf.sub(tf.sigmoid(logits), labels), labels.shape[0]);
  for (const [index, { kernel, bias }] of [...network.layers.entries()].toReversed()) {
    const activation = inputs[index];
    if (activation === undefined) throw new TypeError(`layer ${index} was not run`);
    found[kernel.name] = tf.matMul(activation, delta, true, false);
    found[bias.name] = tf.sum(delta, 0);
    const back = tf.matMul<tf.Tensor2D>(delta, kernel, false, true);
    // ReLU passes the gradient where its output is above 0; the first layer's input is no ReLU's output.
    delta = index === 0 ? back : tf.mul(back, tf.step(activation));
  }
  return { ...found, ...embeddingGradients(network, input, delta) };
}

/** The columns of the concatenated input go back to the rows that they were read from; ScatterND adds up rows that were read more than once. */
function embeddingGradients(network: Network, input: NetworkInput, delta: tf.Tensor2D): tf.NamedTensorMap {
  const found: tf.NamedTensorMap = {};
  let column = input.numbers?.shape[1] ?? 0;
  for (const [index, table] of network.embeddings.entries()) {
    const codes = input.codes[index];
    if (codes === undefined) throw new TypeError(`category ${index} has no codes`);
    const width = table.shape[1];
    const part = tf.slice2d(delta, [0, column], [-1, width]);
    found[table.name] = tf.scatterND(tf.expandDims(codes, 1), part, table.shape);
    column += width;
  }
  return found;
}
