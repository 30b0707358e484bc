/** A stream of uniform numbers in [0, 1) that a seed alone determines: `Math.random` cannot be seeded, and an audit trains again. */
export type Random = () => number;

/** The four words of a generator; it changes them in place, so that a copy is all that is needed to go on later. */
export type RandomState = Int32Array;

/** The state that a seed, any safe integer, begins with; splitmix32 spreads it over the four words. */
export function seededState(seed: number): RandomState {
  const next = splitmix32((seed ^ Math.floor(seed / 2 ** 32)) | 0);
  return Int32Array.of(next(), next(), next(), next());
}

/** The stream that goes on from a state. */
export function randomFrom(state: RandomState): Random {
  const bits = xoshiro128(state);
  return () => bits() / 2 ** 32;
}

/** A stream that the seed determines. */
export function createRandom(seed: number): Random {
  return randomFrom(seededState(seed));
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c): the next 32 bits at each call. All of it is
 * arithmetic on 32-bit integers, hence the same on every machine.
 */
export function xoshiro128(state: RandomState): () => number {
  return () => {
    let a = state[0] ?? 0;
    let b = state[1] ?? 0;
    let c = state[2] ?? 0;
    let d = state[3] ?? 0;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    return result;
  };
}

/** Puts `order` into a uniformly random order, in place (Fisher and Yates). */
export function shuffle(order: Uint32Array, random: Random): void {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    const held = order[last] ?? 0;
    order[last] = order[chosen] ?? 0;
    order[chosen] = held;
  }
}

function splitmix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
