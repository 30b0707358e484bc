/** Names one random number of a search: the same name is the same number, on every machine and after every crash. */
export type DrawName = {
  readonly seed: number;
  readonly trial: number;
  readonly dimension: number;
  readonly draw: number;
};

/** A uniform number in (0, 1), by hashing its name (finaliser of MurmurHash3): nothing is consumed, so no order of calls matters. */
export function uniformDraw(name: DrawName): number {
  return (bitsOf(name, 1) * 2 ** 21 + (bitsOf(name, 2) >>> 11) + 0.5) / 2 ** 53;
}

/** 32 uniform bits. */
export function bitsOf({ seed, trial, dimension, draw }: DrawName, salt: number): number {
  let hash = 0x9747b28c ^ salt;
  for (const part of [seed | 0, Math.floor(seed / 2 ** 32) | 0, trial, dimension, draw]) hash = mix(hash, part);
  return finish(hash) >>> 0;
}

function mix(hash: number, part: number): number {
  let bits = Math.imul(part, 0xcc9e2d51);
  bits = (bits << 15) | (bits >>> 17);
  const mixed = hash ^ Math.imul(bits, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
