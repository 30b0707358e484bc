import * as tf from '@tensorflow/tfjs-core';
import type { Task } from '../../domain/target.ts';
import { adamStep, beginAdam } from '../../training/built-in/adam.ts';
import { exportedPredictions } from '../../training/built-in/exported-predictions.ts';
import { gradients } from '../../training/built-in/gradients.ts';
import { initialWeights } from '../../training/built-in/initial-weights.ts';
import { lossOf, type Wanted } from '../../training/built-in/loss.ts';
import { forward, type NetworkInput, toNetwork } from '../../training/built-in/network.ts';
import { createRandom } from '../../training/built-in/random.ts';
import { startWasmBackend } from '../../training/built-in/wasm-backend.ts';
import { weightArrays } from '../../training/built-in/weight-arrays.ts';
import type { DenseModel, DenseOutput, DenseWeights } from '../../training/dense-model.ts';
import { encodeDenseModel } from '../../training/onnx/dense-graph.ts';
import type { TrainingTable } from '../../training/training-table.ts';

const names = { numbers: ['a', 'b'], categories: ['c', 'd'] };
const table: TrainingTable = {
  names,
  task: 'binary',
  classes: null,
  rows: 4,
  skipped: 0,
  numbers: Float32Array.of(1, 20, 2, 10, 3, 40, 4, 30),
  // The third row's value of 'd' is outside the vocabulary.
  codes: Int32Array.of(1, 1, 2, 2, 1, 0, 3, 1),
  labels: Float64Array.of(0, 1, 1, 0),
  vocabularies: [
    ['p', 'q', 'r'],
    ['u', 'v'],
  ],
};
const outputs: Readonly<Record<Task, DenseOutput>> = {
  binary: { task: 'binary' },
  multiclass: { task: 'multiclass' },
  regression: { task: 'regression', mean: 1_000, deviation: 250 },
};
const tasks: readonly Task[] = ['binary', 'multiclass', 'regression'];

beforeAll(startWasmBackend);

test.each(tasks)(
  'the gradients of a %s loss agree with central differences, also for a value that occurs twice',
  (task) => {
    const weights = weightsOf(task, 1);
    const input = {
      numbers: tf.tensor2d([0.3, -1.2, 0.8, 0.4, -0.5, 0.9], [3, 2]),
      codes: [tf.tensor1d([1, 1, 3], 'int32'), tf.tensor1d([2, 0, 2], 'int32')],
    };
    const wanted = { values: wantedValues(task), weights: tf.tensor2d([1, 0.5, 2], [3, 1]) };
    const network = toNetwork(weights);
    const run = forward(network, input);
    const found = gradients(network, input, run, lossOf(task, run.outputs, wanted).delta).map((slope) =>
      slope.dataSync(),
    );
    for (const [index, values] of weightArrays(weights).entries())
      for (let cell = 0; cell < values.length; cell += 1)
        expect(found[index]?.[cell]).toBeCloseTo(
          centralDifference(values, cell, () => loss(task, weights, input, wanted)),
          3,
        );
  },
);

test('Adam takes the same steps to the bit as that of TensorFlow.js 4.22.0', () => {
  const weights = Float32Array.of(0.5, -2, 1e-3, 30);
  const variable = tf.variable(tf.tensor1d(weights));
  const state = beginAdam([weights]);
  const optimizer = tf.train.adam(0.003);
  const random = createRandom(4);
  for (let step = 0; step < 50; step += 1) {
    const slopes = Float32Array.from(weights, () => (random() - 0.5) * 10 ** Math.floor(random() * 8 - 4));
    optimizer.applyGradients([{ name: variable.name, tensor: tf.tensor1d(slopes) }]);
    adamStep(state, [weights], [slopes], 0.003);
  }
  expect([...weights]).toEqual([...variable.dataSync()]);
});

test.each(tasks)('an exported %s model gives what the trainer gives', async (task) => {
  const model = modelOf(task, 2);
  const file = encodeDenseModel(model);
  const found = await exportedPredictions(file, { model, table, signature: signatureOf(task) });
  expect(found).toHaveLength(table.rows * (task === 'multiclass' ? 3 : 1));
});

test.each(tasks)('an exported %s model that gives something else is MODEL_INVALID', async (task) => {
  const file = encodeDenseModel(modelOf(task, 2));
  const checked = exportedPredictions(file, { model: modelOf(task, 3), table, signature: signatureOf(task) });
  await expect(checked).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining('row 0') });
});

function weightsOf(task: Task, seed: number): DenseWeights {
  const classes = task === 'multiclass' ? 3 : 1;
  const shape = { numbers: 2, vocabularies: [3, 2], embedding: 2, hidden: [5, 3], outputs: classes };
  return initialWeights(shape, createRandom(seed));
}

function modelOf(task: Task, seed: number): DenseModel {
  return {
    names,
    vocabularies: table.vocabularies,
    standardisation: { mean: Float32Array.of(2.5, 25), deviation: Float32Array.of(1.1, 11.1) },
    weights: weightsOf(task, seed),
    output: outputs[task],
  };
}

function signatureOf(task: Task) {
  return { ...names, target: { name: 'any', task, sql: 'any' }, classes: ['x', 'y', 'z'] };
}

function wantedValues(task: Task): tf.Tensor2D {
  if (task === 'multiclass') return tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 1, 0], [3, 3]);
  return tf.tensor2d(task === 'binary' ? [1, 0, 1] : [0.4, -1.5, 2], [3, 1]);
}

function loss(task: Task, weights: DenseWeights, input: NetworkInput, wanted: Wanted): number {
  return lossOf(task, forward(toNetwork(weights), input).outputs, wanted).loss.dataSync()[0] ?? Number.NaN;
}

/** The slope of `value` in one weight, by (f(x + h) - f(x - h)) / 2h. */
function centralDifference(weights: Float32Array, cell: number, value: () => number): number {
  const h = 1e-2;
  const held = weights[cell] ?? 0;
  const at = (weight: number) => {
    weights[cell] = weight;
    return value();
  };
  const slope = (at(held + h) - at(held - h)) / (2 * h);
  weights[cell] = held;
  return slope;
}
