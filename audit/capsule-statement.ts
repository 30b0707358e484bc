import type { ObjectPin } from '../domain/snapshot.ts';
import type { CapsuleManifest } from './capsule.ts';
import type { Statement } from '../stores/signing/signing.ts';

/** The kind of claim that a capsule's signature makes. */
export const capsulePredicateType = 'urn:perdura:evidence-capsule:v1';

/** What is signed: the manifest's bytes as the one subject; the run, the Merkle root and the manifest's version ride along. */
export function capsuleStatement(manifest: CapsuleManifest, pin: ObjectPin): Statement {
  const { run, root, sealedAt, entries } = manifest;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: pin.key, digest: { sha256: pin.sha256 } }],
    predicateType: capsulePredicateType,
    predicate: { run, root, tree: 'RFC 6962 SHA-256', objects: entries.length, s3VersionId: pin.s3VersionId, sealedAt },
  };
}
