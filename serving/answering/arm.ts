import { hash } from 'node:crypto';
import type { Arm } from '../../domain/route.ts';

/**
 * Where a subject stands between 0 and 100 on one endpoint, in steps of 0.01: the first 8 bytes (big endian) of
 * SHA-256(`<endpoint>:<subject>`), modulo 10,000, divided by 100. An auditor recomputes it from the inference log alone; the endpoint's
 * name in the hash keeps one subject from being in the small share of every endpoint.
 */
export function subjectShare(endpoint: string, subject: string): number {
  const digest = hash('sha256', `${endpoint}:${subject}`, 'buffer');
  const high = digest.readUInt32BE(0) % 10_000;
  const low = digest.readUInt32BE(4) % 10_000;
  return ((high * (2 ** 32 % 10_000) + low) % 10_000) / 100;
}

/** What choosing needs of a route's arms: at least one, weights that sum to 100. */
export type Weighted<A = Pick<Arm, 'name' | 'weight'>> = readonly [A, ...A[]];

/**
 * The arm that answers a subject: always the same one while the weights stay. The challenger takes the low end, so raising its weight
 * moves subjects from champion to challenger and none back.
 */
export function chooseArm<A extends Pick<Arm, 'name' | 'weight'>>(
  endpoint: string,
  subject: string,
  arms: Weighted<A>,
): A {
  // Whoever the subject is: nothing to hash on the way of most requests.
  if (arms.length === 1) return arms[0];
  const share = subjectShare(endpoint, subject);
  let upper = 0;
  for (const name of ['challenger', 'champion'] satisfies Arm['name'][]) {
    for (const arm of arms) {
      if (arm.name !== name) continue;
      upper += arm.weight;
      if (share < upper) return arm;
    }
  }
  return arms[0];
}
