import * as tf from '@tensorflow/tfjs-core';
import { exportedPredictions } from '../../training/built-in/exported-predictions.ts';
import { crossEntropy, gradients } from '../../training/built-in/gradients.ts';
import { initialWeights } from '../../training/built-in/initial-weights.ts';
import {
  disposeNetwork,
  forward,
  type Network,
  type NetworkInput,
  toNetwork,
} from '../../training/built-in/network.ts';
import { createRandom } from '../../training/built-in/random.ts';
import type { TrainingTable } from '../../training/built-in/training-table.ts';
import { startWasmBackend } from '../../training/built-in/wasm-backend.ts';
import type { DenseModel } from '../../training/dense-model.ts';
import { encodeDenseModel } from '../../training/onnx/dense-graph.ts';

const shape = { numbers: 2, vocabularies: [3, 2], embedding: 2, hidden: [5, 3] };
const names = { numbers: ['a', 'b'], categories: ['c', 'd'] };
const table: TrainingTable = {
  names,
  rows: 4,
  skipped: 0,
  numbers: Float32Array.of(1, 20, 2, 10, 3, 40, 4, 30),
  // The third row's value of 'd' is outside the vocabulary.
  codes: Int32Array.of(1, 1, 2, 2, 1, 0, 3, 1),
  labels: Uint8Array.of(0, 1, 1, 0),
  vocabularies: [
    ['p', 'q', 'r'],
    ['u', 'v'],
  ],
};

beforeAll(startWasmBackend);

test('the gradients agree with central differences, also for a category value that occurs twice', () => {
  const network = toNetwork(initialWeights(shape, createRandom(1)));
  try {
    const input = {
      numbers: tf.tensor2d([0.3, -1.2, 0.8, 0.4, -0.5, 0.9], [3, 2]),
      codes: [tf.tensor1d([1, 1, 3], 'int32'), tf.tensor1d([2, 0, 2], 'int32')],
    };
    const labels = tf.tensor2d([1, 0, 1], [3, 1]);
    const found = gradients(network, input, forward(network, input), labels);
    for (const variable of variablesOf(network)) {
      const expected = centralDifferences(variable, () => lossOf(network, input, labels));
      const own = found[variable.name]?.dataSync() ?? [];
      expected.forEach((slope, index) => expect(own[index]).toBeCloseTo(slope, 3));
    }
  } finally {
    disposeNetwork(network);
  }
});

test('the exported model gives what the trainer gives', async () => {
  const model = modelOf(2);
  await expect(exportedPredictions(encodeDenseModel(model), model, table)).resolves.toHaveLength(table.rows);
});

test('an exported model that gives something else is MODEL_INVALID', async () => {
  await expect(exportedPredictions(encodeDenseModel(modelOf(2)), modelOf(3), table)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
  });
});

function modelOf(seed: number): DenseModel {
  return {
    names,
    vocabularies: table.vocabularies,
    standardisation: { mean: Float32Array.of(2.5, 25), deviation: Float32Array.of(1.1, 11.1) },
    weights: initialWeights(shape, createRandom(seed)),
  };
}

function variablesOf(network: Network): readonly tf.Variable[] {
  return [...network.embeddings, ...network.layers.flatMap(({ kernel, bias }): tf.Variable[] => [kernel, bias])];
}

function lossOf(network: Network, input: NetworkInput, labels: tf.Tensor2D): number {
  return crossEntropy(forward(network, input).logits, labels).dataSync()[0] ?? Number.NaN;
}

/** The slope of `loss` in each element of a variable, by (f(x + h) - f(x - h)) / 2h. */
function centralDifferences(variable: tf.Variable, loss: () => number): readonly number[] {
  const h = 1e-2;
  const values = Float32Array.from(variable.dataSync());
  const at = (index: number, value: number) => {
    variable.assign(tf.tensor(values.with(index, value), variable.shape));
    return loss();
  };
  const slopes = Array.from(values, (value, index) => (at(index, value + h) - at(index, value - h)) / (2 * h));
  variable.assign(tf.tensor(values, variable.shape));
  return slopes;
}
