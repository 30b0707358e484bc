import type { DenseTrainer } from '../../domain/trainer.ts';
import type { DenseWeights } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';
import { type AdamState, beginAdam } from './adam.ts';
import { initialWeights } from './initial-weights.ts';
import { randomFrom, type RandomState, seededState, shuffle } from './random.ts';
import { weightArrays } from './weight-arrays.ts';

/** Where a training stands after `epoch` epochs: all that the next one depends on. Changed in place. */
export type FitState = {
  readonly weights: DenseWeights;
  readonly adam: AdamState;
  readonly random: RandomState;
  /** The learned rows in the order of the last epoch; the next one shuffles them further. */
  readonly order: Uint32Array;
  epoch: number;
  /** Mean loss of the last epoch; null before the first. */
  loss: number | null;
  /** The epoch with the smallest loss on the rows held out; null: none is held out, or no epoch is over. */
  best: BestEpoch | null;
};

export type BestEpoch = { readonly epoch: number; readonly loss: number; readonly weights: DenseWeights };

/** The state before the first epoch, and which rows are learned from and held out; both by the seed alone. */
export type FitStart = { readonly state: FitState; readonly learned: Uint32Array; readonly heldOut: Uint32Array };

/** Begins a training: weights, then the rows to hold out, each from the next numbers of the seed's stream. */
export function beginFit(table: TrainingTable, trainer: DenseTrainer, seed: number): FitStart {
  const random = seededState(seed);
  const shape = {
    numbers: table.names.numbers.length,
    vocabularies: table.vocabularies.map((values) => values.length),
    embedding: trainer.embedding,
    hidden: trainer.hidden,
    outputs: table.classes?.length ?? 1,
  };
  const weights = initialWeights(shape, randomFrom(random));
  const { learned, heldOut } = partition(table.rows, trainer, random);
  const adam = beginAdam(weightArrays(weights));
  return {
    state: { weights, adam, random, order: learned.slice(), epoch: 0, loss: null, best: null },
    learned,
    heldOut,
  };
}

/** Where order and random numbers stand so many epochs later, without training: cheaper to do again than to store. */
export function replayed({ order, random }: FitState, epochs: number): Pick<FitState, 'order' | 'random'> {
  const later = { order: order.slice(), random: random.slice() };
  const stream = randomFrom(later.random);
  for (let epoch = 0; epoch < epochs; epoch += 1) shuffle(later.order, stream);
  return later;
}

function partition(
  rows: number,
  { earlyStopping }: DenseTrainer,
  random: RandomState,
): { readonly learned: Uint32Array; readonly heldOut: Uint32Array } {
  const all = Uint32Array.from({ length: rows }, (_, row) => row);
  if (earlyStopping === undefined) return { learned: all, heldOut: new Uint32Array(0) };
  const held = Math.min(rows - 1, Math.max(1, Math.round(rows * earlyStopping.share)));
  shuffle(all, randomFrom(random));
  return { learned: all.slice(held).toSorted(), heldOut: all.slice(0, held).toSorted() };
}
