import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type {
  Snapshot,
  SnapshotFacts,
  SnapshotFile,
  SnapshotManifest,
  SnapshotReference,
} from '../../domain/snapshot.ts';
import { sha256Hex } from '../digest.ts';
import { parseDocument, writeBytesOnce } from '../documents.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { mapParallel } from '../parallel.ts';
import { compareKeys, inKeyOrder } from './key-order.ts';
import { cutParts, filesOfParts, readPart, sealPart } from './manifest-parts.ts';

/** What names a snapshot's manifest. */
export type SnapshotName = Pick<SnapshotReference, 'dataset' | 'digest'>;

const parallelParts = 16;

/**
 * Seals a snapshot under the digest of its manifest: the parts first, the root last, so that a root that stands is whole. Parts that `parent`
 * has are not written again. Idempotent: the same content has the same digest.
 *
 * @throws CodedError INPUT_INVALID when files are not in key order (compareKeys), a key is doubled, or `rows` is not their sum.
 */
export async function sealSnapshot(
  store: ObjectStore,
  snapshot: Snapshot,
  options: { readonly parent?: SnapshotManifest } = {},
): Promise<SnapshotReference> {
  const { dataset, files } = snapshot;
  requireOrder(dataset, files);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  if (rows !== snapshot.rows)
    throw new CodedError(
      'INPUT_INVALID',
      `A snapshot of ${dataset} says ${snapshot.rows} rows, its files have ${rows} together. Count them again.`,
    );
  const known = new Set(options.parent?.parts.map((part) => part.sha256));
  const { closed, rest } = cutParts(files);
  const chunks = rest.length === 0 ? closed : [...closed, rest];
  const parts = await mapParallel(chunks, parallelParts, (chunk) => sealPart(store, dataset, chunk, known));
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return sealRoot(store, { ...factsOf(snapshot), fileCount: files.length, sizeBytes, parts });
}

/** Writes the root of a manifest whose parts stand already. */
export async function sealRoot(store: ObjectStore, manifest: SnapshotManifest): Promise<SnapshotReference> {
  const bytes = new TextEncoder().encode(canonicalJson(manifest));
  const reference = { dataset: manifest.dataset, digest: sha256Hex(bytes), rows: manifest.rows };
  await writeBytesOnce(store, manifestKey(reference), bytes);
  return reference;
}

/** What a manifest keeps of a snapshot's facts, in the one form that digests are of: deviations in key order, nothing else beside. */
export function factsOf(facts: SnapshotFacts): SnapshotFacts {
  const { dataset, rows, dialect } = facts;
  return {
    dataset,
    rows,
    columns: facts.columns.map(({ name, type, zoned }) => ({ name, type, ...(zoned === undefined ? {} : { zoned }) })),
    deviations: inKeyOrder(facts.deviations).map(({ key, missing, unlike }) => ({ key, missing, unlike })),
    dialect: dialect ?? null,
  };
}

/**
 * Reads the root of a sealed snapshot and holds its bytes against the digest that names it.
 *
 * @throws CodedError NOT_FOUND when it was never sealed; EVIDENCE_ALTERED when its bytes are not those that were sealed.
 */
export async function readManifest(store: ObjectStore, reference: SnapshotName): Promise<SnapshotManifest> {
  const key = manifestKey(reference);
  const { bytes } = await store.read(key).catch((error: unknown) => {
    throw isCoded(error, 'NOT_FOUND') ? neverSealed(reference, error) : error;
  });
  const found = sha256Hex(bytes);
  if (found === reference.digest) return parseDocument<SnapshotManifest>(key, bytes);
  throw new CodedError(
    'EVIDENCE_ALTERED',
    `Snapshot manifest '${key}' has SHA-256 ${found}, not the one it is named by. Restore its first version.`,
    { details: { key } },
  );
}

/**
 * Reads a sealed snapshot with all its files; root and parts are held against their digests. Of a very large one take `snapshotFiles`.
 *
 * @throws CodedError as readManifest does; EVIDENCE_ALTERED also for a part that is gone or altered.
 */
export async function readSnapshot(store: ObjectStore, reference: SnapshotName): Promise<Snapshot> {
  const manifest = await readManifest(store, reference);
  const parts = await mapParallel(manifest.parts, parallelParts, (part) => readPart(store, manifest.dataset, part));
  return { ...factsOf(manifest), files: parts.flat() };
}

/** All files of a sealed snapshot in key order, part by part: of a million files some thousands are in memory. Throws EVIDENCE_ALTERED as readSnapshot does. */
export function snapshotFiles(store: ObjectStore, manifest: SnapshotManifest): AsyncIterable<SnapshotFile> {
  return filesOfParts(store, manifest.dataset, manifest.parts);
}

/** Where the root of a snapshot lies. */
export function manifestKey(reference: SnapshotName): string {
  return `snapshots/${reference.dataset}/${reference.digest}.json`;
}

/**
 * Refuses files that do not stand in key order, each key once: their order is part of the digest.
 *
 * @throws CodedError INPUT_INVALID naming the key.
 */
export function requireOrder(dataset: string, files: readonly Pick<SnapshotFile, 'key'>[]): void {
  for (const [index, { key }] of files.entries()) {
    const before = files[index - 1];
    if (before === undefined || compareKeys(before.key, key) < 0) continue;
    const what = before.key === key ? `holds '${key}' twice` : `has '${key}' after '${before.key}'`;
    throw new CodedError('INPUT_INVALID', `A snapshot of ${dataset} ${what}. Give each file once, in key order.`, {
      details: { dataset, key },
    });
  }
}

function neverSealed(reference: SnapshotName, cause: unknown): CodedError {
  const name = `${reference.dataset}@${reference.digest.slice(0, 12)}`;
  return new CodedError(
    'NOT_FOUND',
    `Snapshot ${name} not found: it was never sealed. Look at 'perdura snapshot log ${reference.dataset}'.`,
    { details: { ...reference }, cause },
  );
}
