import { createHash } from 'node:crypto';

/**
 * Root of the Merkle tree over `leaves` in their order, SHA-256, hex; a tree without leaves has the hash of nothing.
 * Leaves and inner nodes are hashed with different first bytes, so that an inner node can never be passed off as a leaf.
 * RFC 6962, section 2.1.
 */
export function merkleRoot(leaves: readonly Uint8Array[]): string {
  if (leaves.length === 0) return createHash('sha256').digest('hex');
  return subtree(leaves.map(leafHash)).toString('hex');
}

/** SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(0)).update(data).digest();
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();
}

function subtree(hashes: readonly Buffer[]): Buffer {
  const [first] = hashes;
  if (first === undefined) throw new RangeError('a subtree has at least one leaf');
  if (hashes.length === 1) return first;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(subtree(hashes.slice(0, split)), subtree(hashes.slice(split)));
}
