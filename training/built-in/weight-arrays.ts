import type { DenseWeights } from '../dense-model.ts';

/** All weights as arrays, in one fixed order: embeddings, then kernel and bias of each layer. The arrays are the weights' own. */
export function weightArrays(weights: DenseWeights): readonly Float32Array[] {
  return [
    ...weights.embeddings.map(({ values }) => values),
    ...weights.layers.flatMap(({ kernel, bias }) => [kernel.values, bias]),
  ];
}

/** Weights of the same shape that share nothing with these. */
export function copyWeights(weights: DenseWeights): DenseWeights {
  return structuredClone(weights);
}
