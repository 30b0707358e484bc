import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { CodedError } from '../../domain/errors.ts';
import type { EpochMetrics, TrainerSpec } from '../../domain/trainer.ts';
import type { DenseWeights, Standardisation } from '../dense-model.ts';
import { toInput, toLabels } from './batch.ts';
import { initialWeights } from './initial-weights.ts';
import { crossEntropy, gradients } from './gradients.ts';
import { disposeNetwork, forward, type Network, toNetwork, toWeights } from './network.ts';
import { createRandom, type Random, shuffle } from './random.ts';
import { codeCounts, type TrainingTable } from './training-table.ts';

/** What is fitted, with which settings; `now` is a clock in milliseconds, for `elapsedMs` only. */
export type FitOptions = {
  readonly standardisation: Standardisation;
  readonly trainer: TrainerSpec;
  readonly seed: number;
  readonly now: () => number;
  readonly onEpoch: (epoch: EpochMetrics) => void;
};

/** So many steps take well under a second: then signals and a closed channel are looked at. */
const stepsBetweenPauses = 16;

/**
 * Fits the network by Adam on mini-batches in an order that the seed alone determines.
 *
 * @throws CodedError TRAINING_FAILED when the loss is not finite any more.
 */
export async function fit(table: TrainingTable, options: FitOptions): Promise<DenseWeights> {
  const random = createRandom(options.seed);
  const shape = {
    numbers: table.names.numbers.length,
    vocabularies: table.vocabularies.map((values) => values.length),
    embedding: options.trainer.embedding,
    hidden: options.trainer.hidden,
  };
  const network = toNetwork(initialWeights(shape, random));
  const optimizer = tf.train.adam(options.trainer.learningRate);
  const order = Uint32Array.from({ length: table.rows }, (_, row) => row);
  try {
    for (let epoch = 1; epoch <= options.trainer.epochs; epoch += 1) {
      const startedAt = options.now();
      const loss = await fitEpoch({ table, options, network, optimizer, order, random });
      if (!Number.isFinite(loss)) throw diverged(epoch, options.trainer);
      options.onEpoch({ epoch, loss, rows: table.rows, elapsedMs: Math.round(options.now() - startedAt) });
    }
    return withUnseen(toWeights(network), table);
  } finally {
    disposeNetwork(network);
    optimizer.dispose();
  }
}

/** One pass over all rows; gives the mean of the batches' losses as they were before each step. */
async function fitEpoch(pass: {
  readonly table: TrainingTable;
  readonly options: FitOptions;
  readonly network: Network;
  readonly optimizer: tf.Optimizer;
  readonly order: Uint32Array;
  readonly random: Random;
}): Promise<number> {
  const { table, options, network, optimizer, order } = pass;
  shuffle(order, pass.random);
  let sum = 0;
  for (let start = 0, step = 1; start < table.rows; start += options.trainer.batchSize, step += 1) {
    const rows = order.subarray(start, start + options.trainer.batchSize);
    sum += rows.length * fitBatch(table, options.standardisation, network, optimizer, rows);
    if (step % stepsBetweenPauses === 0) await setImmediate();
  }
  return sum / table.rows;
}

function fitBatch(
  table: TrainingTable,
  standardisation: Standardisation,
  network: Network,
  optimizer: tf.Optimizer,
  rows: Uint32Array,
): number {
  return tf.tidy(() => {
    const input = toInput(table, standardisation, rows);
    const labels = toLabels(table, rows);
    const run = forward(network, input);
    const loss = crossEntropy(run.logits, labels).dataSync<'float32'>()[0];
    optimizer.applyGradients(gradients(network, input, run, labels));
    return loss ?? Number.NaN;
  });
}

/**
 * Where training saw no value outside the vocabulary, row 0 never learned: it becomes the mean of the known rows, weighted by how
 * often each occurs, so that a new value counts as an average one.
 */
function withUnseen(weights: DenseWeights, table: TrainingTable): DenseWeights {
  weights.embeddings.forEach(({ columns, values }, column) => {
    const counts = codeCounts(table, column);
    if (counts[0] !== 0) return;
    for (let cell = 0; cell < columns; cell += 1)
      values[cell] =
        counts.reduce((sum, count, row) => sum + count * (values[row * columns + cell] ?? 0), 0) / table.rows;
  });
  return weights;
}

function diverged(epoch: number, trainer: TrainerSpec): CodedError {
  return new CodedError(
    'TRAINING_FAILED',
    `The loss is not a finite number after epoch ${epoch}. Take a learning rate below ${trainer.learningRate}, or look for features of extreme size.`,
  );
}
