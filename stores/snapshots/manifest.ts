import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Snapshot, SnapshotReference } from '../../domain/snapshot.ts';
import { sha256Hex } from '../digest.ts';
import { parseDocument, writeDocumentOnce } from '../documents.ts';
import type { ObjectStore } from '../objects/object-store.ts';

/** Seals a snapshot under the digest of its manifest. Idempotent: the same snapshot has the same digest. */
export async function sealSnapshot(store: ObjectStore, snapshot: Snapshot): Promise<SnapshotReference> {
  const reference = { dataset: snapshot.dataset, digest: sha256Hex(canonicalJson(snapshot)) };
  await writeDocumentOnce(store, snapshotKey(reference), snapshot);
  return { ...reference, rows: snapshot.rows };
}

/**
 * Reads a sealed snapshot and holds its bytes against the digest that names it.
 *
 * @throws CodedError NOT_FOUND when it was never sealed; EVIDENCE_ALTERED when its bytes are not those that were sealed.
 */
export async function readSnapshot(
  store: ObjectStore,
  reference: Pick<SnapshotReference, 'dataset' | 'digest'>,
): Promise<Snapshot> {
  const key = snapshotKey(reference);
  const { bytes } = await store.read(key).catch((error: unknown) => {
    throw isCoded(error, 'NOT_FOUND') ? neverSealed(reference, error) : error;
  });
  const found = sha256Hex(bytes);
  if (found === reference.digest) return parseDocument<Snapshot>(key, bytes);
  throw new CodedError(
    'EVIDENCE_ALTERED',
    `Snapshot manifest '${key}' has SHA-256 ${found}, not the one it is named by. Restore its first version.`,
    { details: { key } },
  );
}

function neverSealed(reference: Pick<SnapshotReference, 'dataset' | 'digest'>, cause: unknown): CodedError {
  const name = `${reference.dataset}@${reference.digest.slice(0, 12)}`;
  return new CodedError('NOT_FOUND', `Snapshot ${name} not found: it was never sealed. Look at 'perdura runs'.`, {
    details: { ...reference },
    cause,
  });
}

function snapshotKey(reference: Pick<SnapshotReference, 'dataset' | 'digest'>): string {
  return `snapshots/${reference.dataset}/${reference.digest}.json`;
}
