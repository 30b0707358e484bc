import type { TrainerSpec } from '../../domain/trainer.ts';

export type DenseNetOptions = {
  /** Width of each hidden layer. */
  readonly hidden: readonly number[];
  readonly epochs: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** Width of the embedding of each category feature. */
  readonly embedding?: number;
};

/** A dense network with embeddings for categories, trained by the built-in trainer: bit-identical on every machine. */
export function denseNet(options: DenseNetOptions): TrainerSpec {
  return { kind: 'dense', batchSize: 1024, learningRate: 0.002, embedding: 8, ...options };
}
