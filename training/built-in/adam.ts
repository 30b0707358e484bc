/** All that Adam remembers: a first and a second moment for each weight, and the products of its decay rates. */
export type AdamState = {
  readonly first: readonly Float32Array[];
  readonly second: readonly Float32Array[];
  /** Steps taken so far. */
  step: number;
  beta1Product: number;
  beta2Product: number;
};

const { fround, sqrt } = Math;
const beta1 = fround(0.9);
const beta2 = fround(0.999);
const rest1 = fround(1 - 0.9);
const rest2 = fround(1 - 0.999);
const epsilon = fround(1e-7);

/** The state before the first step. */
export function beginAdam(weights: readonly Float32Array[]): AdamState {
  const zeros = () => weights.map(({ length }) => new Float32Array(length));
  return { first: zeros(), second: zeros(), step: 0, beta1Product: beta1, beta2Product: beta2 };
}

/**
 * One step of Adam (Kingma and Ba 2015, algorithm 1), in place. Each operation is rounded to 32 bits in the order that TensorFlow.js
 * has them, which makes it the same on every machine; that library's own optimizer cannot be stopped and gone on with, because it
 * restores the products as powers.
 */
export function adamStep(
  state: AdamState,
  weights: readonly Float32Array[],
  gradients: readonly Float32Array[],
  learningRate: number,
): void {
  const bias1 = fround(1 - state.beta1Product);
  const bias2 = fround(1 - state.beta2Product);
  const rate = fround(-learningRate);
  for (const [index, values] of weights.entries()) {
    const first = state.first[index];
    const second = state.second[index];
    const gradient = gradients[index];
    if (first?.length !== values.length || second?.length !== values.length || gradient?.length !== values.length)
      throw new TypeError(`array ${index} of the weights has another length than its gradient or its moments`);
    for (let cell = 0; cell < values.length; cell += 1) {
      const slope = gradient[cell] ?? 0;
      const mean = fround(fround((first[cell] ?? 0) * beta1) + fround(slope * rest1));
      const square = fround(fround((second[cell] ?? 0) * beta2) + fround(fround(slope * slope) * rest2));
      first[cell] = mean;
      second[cell] = square;
      const scaled = fround(fround(mean / bias1) / fround(fround(sqrt(fround(square / bias2))) + epsilon));
      values[cell] = fround(fround(scaled * rate) + (values[cell] ?? 0));
    }
  }
  state.step += 1;
  state.beta1Product = fround(state.beta1Product * beta1);
  state.beta2Product = fround(state.beta2Product * beta2);
}
