/** Looked up once: the loops below run hundreds of millions of times, and a global of a sandbox is slow to reach. */
const { floor, imul } = Math;

const [multiplierOfA, multiplierOfC] = [0xd2511f53, 0xcd9e8d57];
const [weylLow, weylHigh] = [0x9e3779b9, 0xbb67ae85];
const rounds = 10;

/**
 * Philox4x32-10, a generator without state: 128 bits of counter and 64 of key give 128 random bits, so any place of a stream can be
 * computed alone and in any order, with the same result on every machine. Source: Salmon, Moraes, Dror, Shaw, SC 2011.
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array {
  const block = Uint32Array.from(counter);
  scramble(block, key[0] | 0, key[1] | 0);
  return block;
}

/**
 * Fills `drawn` with whole numbers from 0 up to `below`, the numbers of one `stream` of a `seed` (any safe integer). 32 random bits scaled:
 * the numbers' chances differ by at most `below` / 2^32.
 */
export function drawBelow(
  drawn: Uint32Array,
  below: number,
  place: { readonly seed: number; readonly stream: number },
): void {
  const key = [place.seed | 0, floor(place.seed / 2 ** 32) | 0] as const;
  const block = new Uint32Array(4);
  for (let at = 0; at < drawn.length; at += 4) {
    block[0] = at / 4;
    block[1] = place.stream;
    block[2] = 0;
    block[3] = 0;
    scramble(block, key[0], key[1]);
    for (let word = 0; word < 4 && at + word < drawn.length; word++)
      drawn[at + word] = ((block[word] ?? 0) * below) / 2 ** 32;
  }
}

function scramble(block: Uint32Array, first: number, second: number): void {
  // By index: taking an array apart goes through its iterator, which costs more than a round.
  let a = block[0] ?? 0;
  let b = block[1] ?? 0;
  let c = block[2] ?? 0;
  let d = block[3] ?? 0;
  let low = first;
  let high = second;
  for (let round = 0; round < rounds; round++) {
    const ofA = upperHalf(multiplierOfA, a);
    const ofC = upperHalf(multiplierOfC, c);
    const nextB = imul(multiplierOfC, c) >>> 0;
    const nextD = imul(multiplierOfA, a) >>> 0;
    a = (ofC ^ b ^ low) >>> 0;
    c = (ofA ^ d ^ high) >>> 0;
    b = nextB;
    d = nextD;
    low = (low + weylLow) | 0;
    high = (high + weylHigh) | 0;
  }
  block[0] = a;
  block[1] = b;
  block[2] = c;
  block[3] = d;
}

/** The upper 32 bits of a product of two 32-bit numbers, by halves that doubles hold exactly. */
function upperHalf(multiplier: number, value: number): number {
  const lower = (value & 0xffff) * multiplier;
  const upper = (value >>> 16) * multiplier + ((lower / 0x10000) >>> 0);
  return (upper / 0x10000) >>> 0;
}
