import { denseNet, lightgbm } from 'perdura/steps';

/** Two ways to learn the same: with nothing but Node, and gradient boosted trees in Python. */
const trainers = {
  'built-in': denseNet({ hidden: [32, 16], epochs: 2, batchSize: 2_048, learningRate: 0.003 }),
  lightgbm: lightgbm({ rounds: 60, params: { num_leaves: 31, learning_rate: 0.1 } }),
};

export type TrainerName = keyof typeof trainers;

/** The trainer of a name, as it was typed. */
export function trainerNamed(name: TrainerName) {
  if (Object.hasOwn(trainers, name)) return trainers[name];
  throw new TypeError(`There is no trainer '${name}'. Choose one of: ${Object.keys(trainers).join(', ')}.`);
}
