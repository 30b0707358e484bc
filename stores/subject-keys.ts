import { setTimeout as wait } from 'node:timers/promises';

import type { ServiceAddresses } from '../domain/config.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { sha256Hex } from './digest.ts';
import { eraseVersions } from './objects/erase-versions.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { subjectKeyPrefix, type SubjectTombstone, tombstoneKey } from './subject-key-documents.ts';

const settleMs = 2_000;

/**
 * Forgets a group of subjects: deletes every version of every key of it, so that what the log, its copies and the review queue hold of its encrypted
 * columns can never be read again. The tombstone is written first: model servers that still hold a key in memory take a new one, and bring
 * none of the old to the bucket. It names the group by its SHA-256 only.
 *
 * @returns how many keys were deleted.
 */
export async function forgetSubjects(
  place: { readonly store: ObjectStore; readonly s3: ServiceAddresses['s3'] },
  endpoint: string,
  forgotten: SubjectTombstone,
): Promise<number> {
  const { group, at, who, why } = forgotten;
  const tombstone: SubjectTombstone = { group: sha256Hex(group), at, who, why };
  const bytes = new TextEncoder().encode(canonicalJson(tombstone));
  await place.store.write(tombstoneKey(endpoint, group), bytes, { contentType: 'application/json' });
  const prefix = subjectKeyPrefix(endpoint, group);
  const erased = await eraseVersions(place.s3, prefix);
  // A server that asked for tombstones just before this one was written may be bringing its key right now.
  await wait(settleMs);
  return erased + (await eraseVersions(place.s3, prefix));
}
