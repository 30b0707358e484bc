import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { CodedError } from '../../domain/errors.ts';
import type { DenseTrainer } from '../../domain/trainer.ts';
import type { DenseWeights, Standardisation } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';
import { adamStep } from './adam.ts';
import { toInput, toWanted } from './batch.ts';
import type { FitState } from './fit-state.ts';
import { gradients } from './gradients.ts';
import type { LabelPlan } from './label-plan.ts';
import { lossOf } from './loss.ts';
import { forward, toNetwork } from './network.ts';
import { randomFrom, shuffle } from './random.ts';
import { copyWeights, weightArrays } from './weight-arrays.ts';

/** How one pass over the learned rows went; `validationLoss` only where rows are held out. */
export type Epoch = { readonly epoch: number; readonly loss: number; readonly validationLoss: number | null };

/** What is fitted, with which settings. */
export type FitOptions = {
  readonly standardisation: Standardisation;
  readonly plan: LabelPlan;
  readonly trainer: DenseTrainer;
  /** Rows that are not learned from; empty: all are. */
  readonly heldOut: Uint32Array;
  readonly onEpoch: (epoch: Epoch) => void;
  /** Called where the state is worth keeping, before it changes again. */
  readonly onState: (state: FitState) => Promise<void>;
};

/** So many steps take well under a second: then signals and a closed channel are looked at. */
const stepsBetweenPauses = 16;
/** Rows of one look at those held out. */
const validationRows = 4_096;

/**
 * Fits the network by Adam on mini-batches, in an order that the seed alone determines, from where the state stands to the last epoch or
 * to where early stopping ends it. The state changes in place.
 *
 * @throws CodedError TRAINING_FAILED when the loss is not finite any more.
 */
export async function fit(table: TrainingTable, options: FitOptions, state: FitState): Promise<DenseWeights> {
  const { trainer } = options;
  while (state.epoch < trainer.epochs && !hasStopped(state, trainer)) {
    const loss = await fitEpoch(table, options, state);
    const validationLoss = options.heldOut.length === 0 ? null : await heldOutLoss(table, options, state.weights);
    const epoch = state.epoch + 1;
    if (!Number.isFinite(loss) || (validationLoss !== null && !Number.isFinite(validationLoss)))
      throw diverged(epoch, trainer);
    state.epoch = epoch;
    state.loss = loss;
    if (validationLoss !== null && validationLoss < (state.best?.loss ?? Infinity))
      state.best = { epoch, loss: validationLoss, weights: copyWeights(state.weights) };
    options.onEpoch({ epoch, loss, validationLoss });
    const last = epoch === trainer.epochs || hasStopped(state, trainer);
    if (last || epoch % (trainer.checkpointEvery ?? 1) === 0) await options.onState(state);
  }
  return copyWeights(state.best?.weights ?? state.weights);
}

/** Whether the loss on the rows held out has not sunk for as many epochs as are waited for. */
export function hasStopped(state: FitState, { earlyStopping }: DenseTrainer): boolean {
  if (earlyStopping === undefined || state.best === null) return false;
  return state.epoch - state.best.epoch >= earlyStopping.patience;
}

/** One pass over all rows; gives the mean of the batches' losses as they were before each step. */
async function fitEpoch(table: TrainingTable, options: FitOptions, state: FitState): Promise<number> {
  const { order } = state;
  const { batchSize, learningRate } = options.trainer;
  const weights = weightArrays(state.weights);
  shuffle(order, randomFrom(state.random));
  let sum = 0;
  for (let start = 0, step = 1; start < order.length; start += batchSize, step += 1) {
    const rows = order.subarray(start, start + batchSize);
    const { loss, slopes } = batchGradients(table, options, state.weights, rows);
    adamStep(state.adam, weights, slopes, learningRate);
    sum += rows.length * loss;
    if (step % stepsBetweenPauses === 0) await setImmediate();
  }
  return sum / order.length;
}

function batchGradients(
  table: TrainingTable,
  options: FitOptions,
  weights: DenseWeights,
  rows: Uint32Array,
): { readonly loss: number; readonly slopes: readonly Float32Array[] } {
  let found: { readonly loss: number; readonly slopes: readonly Float32Array[] } = { loss: Number.NaN, slopes: [] };
  tf.tidy(() => {
    const network = toNetwork(weights);
    const input = toInput(table, options.standardisation, rows);
    const run = forward(network, input);
    const { loss, delta } = lossOf(options.plan.output.task, run.outputs, toWanted(table, options.plan, rows));
    const slopes = gradients(network, input, run, delta).map((slope) => slope.dataSync<'float32'>());
    found = { loss: loss.dataSync<'float32'>()[0] ?? Number.NaN, slopes };
  });
  return found;
}

/** The mean loss over the rows held out. */
async function heldOutLoss(table: TrainingTable, options: FitOptions, weights: DenseWeights): Promise<number> {
  const { heldOut, plan } = options;
  let sum = 0;
  for (let start = 0; start < heldOut.length; start += validationRows) {
    const rows = heldOut.subarray(start, start + validationRows);
    const loss = tf.tidy(() => {
      const { outputs } = forward(toNetwork(weights), toInput(table, options.standardisation, rows));
      return lossOf(plan.output.task, outputs, toWanted(table, plan, rows)).loss.dataSync<'float32'>()[0];
    });
    sum += rows.length * (loss ?? Number.NaN);
    await setImmediate();
  }
  return sum / heldOut.length;
}

function diverged(epoch: number, trainer: DenseTrainer): CodedError {
  return new CodedError(
    'TRAINING_FAILED',
    `The loss is not a finite number after epoch ${epoch}. Take a learning rate below ${trainer.learningRate}, or look for features of extreme size.`,
    { details: { epoch, learningRate: trainer.learningRate } },
  );
}
