import type { DenseTrainer } from '../../domain/trainer.ts';

/** What all models of the built-in trainer take. */
export type LinearOptions = {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** Width of the embedding of each category feature. */
  readonly embedding?: number;
  /** How much a row counts, by its class; `balanced`: each class as much as any other. */
  readonly classWeights?: Exclude<DenseTrainer['classWeights'], undefined>;
  /** Holds a share of the rows out and keeps the weights that were best on them. */
  readonly earlyStopping?: Exclude<DenseTrainer['earlyStopping'], undefined>;
  /** Epochs between two checkpoints; each epoch where it is left out. */
  readonly checkpointEvery?: number;
};

export type DenseNetOptions = Omit<LinearOptions, 'epochs'> & {
  /** Width of each hidden layer. */
  readonly hidden: readonly number[];
  readonly epochs: number;
};

/**
 * A dense network with embeddings for categories, trained by the built-in trainer: bit-identical on every machine. The target says what it
 * answers: a probability, one for each class, or a number.
 *
 * @example
 * denseNet({ hidden: [32, 16], epochs: 20, earlyStopping: { share: 0.1, patience: 3 }, classWeights: 'balanced' });
 */
export function denseNet(options: DenseNetOptions): DenseTrainer {
  return { kind: 'dense', batchSize: 1024, learningRate: 0.002, embedding: 8, ...options };
}

/** A linear regression: the same trainer without hidden layers, for a target that is a number. */
export function linear(options: LinearOptions = {}): DenseTrainer {
  return denseNet({ epochs: 20, batchSize: 256, learningRate: 0.01, ...options, hidden: [] });
}

/** A logistic regression of two or more classes: the same trainer without hidden layers. */
export function logistic(options: LinearOptions = {}): DenseTrainer {
  return denseNet({ epochs: 20, batchSize: 256, learningRate: 0.01, ...options, hidden: [] });
}
