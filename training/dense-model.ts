import type { FeatureNames } from '../domain/features.ts';

/** A row-major matrix. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float32Array };

/** `kernel` is [inputs, outputs]. */
export type DenseLayer = { readonly kernel: Matrix; readonly bias: Float32Array };

/** One embedding table per category feature (row 0: unseen values), then the layers; the last one gives the logit. */
export type DenseWeights = { readonly embeddings: readonly Matrix[]; readonly layers: readonly DenseLayer[] };

/** Mean and deviation of each number feature, as the 32-bit values that the model's graph uses. */
export type Standardisation = { readonly mean: Float32Array; readonly deviation: Float32Array };

/**
 * A trained network with all its preprocessing, apart from any library: what is exported to ONNX.
 * Value `i` of a vocabulary has embedding row `i + 1`.
 */
export type DenseModel = {
  readonly names: FeatureNames;
  readonly standardisation: Standardisation;
  readonly vocabularies: readonly (readonly string[])[];
  readonly weights: DenseWeights;
};
