import type { FeatureNames } from '../domain/features.ts';

/** A row-major matrix. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float32Array };

/** `kernel` is [inputs, outputs]. */
export type DenseLayer = { readonly kernel: Matrix; readonly bias: Float32Array };

/** One embedding table per category feature (row 0: unseen values), then the layers; the last one gives the logits or the prediction. */
export type DenseWeights = { readonly embeddings: readonly Matrix[]; readonly layers: readonly DenseLayer[] };

/** Mean and deviation of each number feature, as the 32-bit values that the model's graph uses. */
export type Standardisation = { readonly mean: Float32Array; readonly deviation: Float32Array };

/**
 * What the last layer's values become: the probability of true, the probabilities of the classes, or a number, which was learned as its
 * distance from `mean` in deviations (32-bit values both).
 */
export type DenseOutput =
  | { readonly task: 'binary' }
  | { readonly task: 'multiclass' }
  | { readonly task: 'regression'; readonly mean: number; readonly deviation: number };

/**
 * A trained network with all its preprocessing, apart from any library: what is exported to ONNX.
 * Value `i` of a vocabulary has embedding row `i + 1`.
 */
export type DenseModel = {
  readonly names: FeatureNames;
  readonly standardisation: Standardisation;
  readonly vocabularies: readonly (readonly string[])[];
  readonly weights: DenseWeights;
  readonly output: DenseOutput;
};
