const surrogates = 0xd800;
const behindSurrogates = 0xe000;
/** FNV-1a, 32 bits: offset basis and prime (http://www.isthe.com/chongo/tech/comp/fnv). */
const fnvBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;
/** The share of keys that end a part is one in 2^10. */
const boundaryBits = 10;

/**
 * Orders keys by their UTF-8 bytes, as S3 lists them. JavaScript's own order is that of UTF-16 units and differs where a character beyond the
 * first 65,536 meets one behind the surrogates.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** The same files or names in order of their keys. */
export function inKeyOrder<Item extends { readonly key: string }>(items: readonly Item[]): readonly Item[] {
  return items.toSorted((a, b) => compareKeys(a.key, b.key));
}

/**
 * Whether a manifest's part ends behind this key: the ten highest bits of a hash of its UTF-8 bytes are zero, which is one key of 1,024. The key
 * alone decides, so that a file more or less moves no boundary but its own. The hash is FNV-1a with the last mixing of MurmurHash3
 * (fmix32): FNV alone spreads keys that differ in their last digits badly.
 */
export function endsPart(key: string): boolean {
  let hash = fnvBasis;
  // Keys are rarely anything but ASCII; there a unit is a byte.
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > 0x7f) return isBoundary(hashBytes(new TextEncoder().encode(key)));
    hash = Math.imul(hash ^ unit, fnvPrime);
  }
  return isBoundary(hash);
}

function hashBytes(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, fnvPrime), fnvBasis);
}

function isBoundary(hash: number): boolean {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> (32 - boundaryBits) === 0;
}

/** Units of surrogate pairs stand for characters behind all others. */
function rankOf(unit: number): number {
  if (unit < surrogates) return unit;
  return unit >= behindSurrogates ? unit - 0x800 : unit + 0x2000;
}
