import type { DenseModel } from '../../training/dense-model.ts';
import type { Task } from '../../domain/target.ts';
import { encodeDenseModel } from '../../training/onnx/dense-graph.ts';
import { openOnnxSession, type OnnxShape } from '../../training/onnx-session.ts';

/**
 * Two inputs (one number, one category with an embedding of width 1), two hidden units, one output:
 * x = (number - 10) / 4, e = embedding, h1 = relu(x + e), h2 = relu(-2x + 3e + 1), logit = h1 - h2 + 0.5.
 */
const model: DenseModel = {
  names: { numbers: ['amount'], categories: ['colour'] },
  standardisation: { mean: Float32Array.of(10), deviation: Float32Array.of(4) },
  vocabularies: [['blue', 'ŗed']],
  weights: {
    embeddings: [{ rows: 3, columns: 1, values: Float32Array.of(0.25, 1, -1) }],
    layers: [
      { kernel: { rows: 2, columns: 2, values: Float32Array.of(1, -2, 1, 3) }, bias: Float32Array.of(0, 1) },
      { kernel: { rows: 2, columns: 1, values: Float32Array.of(1, -1) }, bias: Float32Array.of(0.5) },
    ],
  },
  output: { task: 'binary' },
};

const shape = shapeOf(model);

test('the exported graph standardises, looks up and computes as worked out by hand', async () => {
  const numbers = Float32Array.of(14, 14, 14, 6);
  const categories = ['blue', 'ŗed', 'green', 'blue'];
  // x = 1, 1, 1, -1; e = 1, -1, 0.25 (unseen), 1; h1 = 2, 0, 1.25, 0; h2 = relu of 2, -4, -0.25, 6.
  const logits = [2 - 2 + 0.5, 0 - 0 + 0.5, 1.25 - 0 + 0.5, 0 - 6 + 0.5];
  const probabilities = await predict(model, { rows: 4, numbers, categories });
  logits.forEach((logit, row) => expect(probabilities[row]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 6));
});

test('of several classes the graph gives the softmax of the last layer', async () => {
  const layers = [
    { kernel: { rows: 2, columns: 3, values: Float32Array.of(1, 0, 2, 0, 1, 0) }, bias: Float32Array.of(0, 0, -1) },
  ];
  const several: DenseModel = { ...model, weights: { ...model.weights, layers }, output: { task: 'multiclass' } };
  // x = 1, e = -1: logits 1, -1, 1.
  const found = await predict(several, { rows: 1, numbers: Float32Array.of(14), categories: ['ŗed'] });
  const sum = 2 * Math.E + 1 / Math.E;
  [Math.E / sum, 1 / Math.E / sum, Math.E / sum].forEach((share, place) => expect(found[place]).toBeCloseTo(share, 6));
});

test('a regression is stretched and shifted back inside the graph', async () => {
  const output = { task: 'regression', mean: 100, deviation: 20 } as const;
  const rows = { rows: 1, numbers: Float32Array.of(14), categories: ['green'] };
  const [prediction] = await predict({ ...model, output }, rows);
  expect(prediction).toBeCloseTo(100 + 20 * 1.75, 4);
});

test('a model of numbers alone takes one input', async () => {
  const numbersOnly: DenseModel = {
    ...model,
    names: { numbers: ['amount'], categories: [] },
    vocabularies: [],
    weights: {
      embeddings: [],
      layers: [{ kernel: { rows: 1, columns: 1, values: Float32Array.of(2) }, bias: Float32Array.of(-1) }],
    },
  };
  const [probability] = await predict(numbersOnly, { rows: 1, numbers: Float32Array.of(12), categories: [] });
  expect(probability).toBeCloseTo(0.5, 6);
});

test('a model of categories alone takes one input', async () => {
  const categoriesOnly: DenseModel = {
    ...model,
    names: { numbers: [], categories: ['colour'] },
    standardisation: { mean: Float32Array.of(), deviation: Float32Array.of() },
    weights: {
      ...model.weights,
      layers: [{ kernel: { rows: 1, columns: 1, values: Float32Array.of(1) }, bias: Float32Array.of(1) }],
    },
  };
  const [known] = await predict(categoriesOnly, { rows: 1, numbers: Float32Array.of(), categories: ['ŗed'] });
  expect(known).toBeCloseTo(0.5, 6);
});

test('the same model gives the same bytes', () => {
  expect(Buffer.compare(encodeDenseModel(model), encodeDenseModel(structuredClone(model)))).toBe(0);
});

test('a file that is no model is MODEL_INVALID', async () => {
  await expect(openOnnxSession(Buffer.from('no model'), shape)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

test('a model with other inputs than the signature is MODEL_INVALID', async () => {
  const names = { ...shape, categories: [] };
  await expect(openOnnxSession(encodeDenseModel(model), names)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

function shapeOf({ names, output: { task }, weights }: DenseModel): OnnxShape {
  const classes = Array.from({ length: weights.layers.at(-1)?.bias.length ?? 0 }, (_, place) => `class ${place}`);
  return { ...names, target: { name: 'any', task: task satisfies Task, sql: 'any' }, classes };
}

async function predict(
  given: DenseModel,
  rows: { readonly rows: number; readonly numbers: Float32Array; readonly categories: string[] },
): Promise<Float32Array> {
  const session = await openOnnxSession(encodeDenseModel(given), shapeOf(given));
  try {
    return await session.predict(rows);
  } finally {
    await session.close();
  }
}
