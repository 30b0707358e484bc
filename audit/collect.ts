import { type ErrorCode, isCoded } from '../domain/errors.ts';
import { type ModelReference, packageFiles, packageFolder, packageSignatureName } from '../domain/model-package.ts';
import { type RunKey, runFolder } from '../domain/run.ts';
import type { ManifestPart, ObjectPin, SnapshotReference } from '../domain/snapshot.ts';
import { sha256Hex } from '../stores/digest.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { readPackageManifest } from '../stores/packages.ts';
import { manifestKey, readManifest } from '../stores/snapshots/manifest.ts';
import { partKey, readPart } from '../stores/snapshots/manifest-parts.ts';
import type { CapsuleEntry, CapsuleParts, EntryKind, MissingEvidence } from './capsule.ts';
import { headIfThere } from './keep.ts';

/** What was found in the bucket, pinned, and what was not. */
export type Collected = { readonly entries: readonly CapsuleEntry[]; readonly missing: readonly MissingEvidence[] };

/** How a lost or altered object shows. Every other error is the service's or the settings', and the sealing is tried again. */
const lost: readonly ErrorCode[] = [
  'DATA_UNREADABLE',
  'EVIDENCE_ALTERED',
  'INPUT_INVALID',
  'NOT_FOUND',
  'PACKAGE_ALTERED',
];

/**
 * Pins what already lies in the bucket and is not copied: the run's documents, snapshots with their data files, packages with theirs.
 * Digests of large files come from their manifests; replay reads the bytes. What is gone or altered is told, not thrown: a run that was
 * tampered with needs its capsule most. What is merely mentioned and does not stand in the bucket is passed over.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the bucket does not answer, CONFIG_INVALID when it refuses the keys.
 */
export async function collectReferences(
  store: ObjectStore,
  run: RunKey,
  references: CapsuleParts['references'],
): Promise<Collected> {
  const folder = runFolder(run);
  const found = [
    await newest(store, 'run', `${folder}run.json`),
    await newest(store, 'outcome', `${folder}outcome.json`),
  ];
  const { snapshots, packages, mentioned = { snapshots: [], packages: [] } } = references;
  for (const reference of snapshots) found.push(await snapshotWithFiles(store, reference));
  for (const reference of packages) found.push(await packageWithFiles(store, reference));
  for (const reference of mentioned.snapshots) {
    if (await stands(store, manifestKey(reference))) found.push(await snapshotWithFiles(store, reference));
  }
  for (const reference of mentioned.packages) {
    if (await stands(store, packageKey(reference))) found.push(await packageWithFiles(store, reference));
  }
  return together(found);
}

/** Names an existing object by its key. Only the fields of a pin are taken: a caller's richer object must not change the root. */
function entry(kind: EntryKind, pin: ObjectPin): CapsuleEntry {
  const { key, s3VersionId, sizeBytes, sha256 } = pin;
  return { name: key, kind, key, s3VersionId, sizeBytes, sha256 };
}

async function newest(store: ObjectStore, kind: EntryKind, key: string): Promise<Collected> {
  return orMissing(key, async () => {
    const { version, bytes } = await store.read(key);
    const pin = { key, s3VersionId: version.s3VersionId, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
    return { entries: [entry(kind, pin)], missing: [] };
  });
}

/** The root, every part, and the data files that the parts name; of a part that is lost the files stay unknown, and the part is told. */
async function snapshotWithFiles(store: ObjectStore, reference: SnapshotReference): Promise<Collected> {
  const key = manifestKey(reference);
  return orMissing(key, async () => {
    const { dataset, parts } = await readManifest(store, reference);
    const found = [await newest(store, 'snapshot', key)];
    for (const part of parts) found.push(await partWithFiles(store, dataset, part));
    return together(found);
  });
}

async function partWithFiles(store: ObjectStore, dataset: string, part: ManifestPart): Promise<Collected> {
  const key = partKey(dataset, part.sha256);
  return orMissing(key, async () => {
    const files = await readPart(store, dataset, part);
    const data = { entries: files.map((file) => entry('data', file)), missing: [] };
    return together([await newest(store, 'snapshot-part', key), data]);
  });
}

async function packageWithFiles(store: ObjectStore, reference: ModelReference): Promise<Collected> {
  const key = packageKey(reference);
  return orMissing(key, async () => {
    const { files } = await readPackageManifest(store, reference);
    const found = [await newest(store, 'package-manifest', key)];
    for (const name of packageFiles) {
      const file = packageFolder(reference) + name;
      const pinned = async () => {
        const { s3VersionId } = await store.head(file);
        return { entries: [entry('package-file', { ...files[name], key: file, s3VersionId })], missing: [] };
      };
      found.push(await orMissing(file, pinned));
    }
    found.push(await newest(store, 'package-file', packageFolder(reference) + packageSignatureName));
    return together(found);
  });
}

async function orMissing(name: string, collect: () => Promise<Collected>): Promise<Collected> {
  try {
    return await collect();
  } catch (error) {
    if (!isCoded(error) || !lost.includes(error.code)) throw error;
    return { entries: [], missing: [{ name, reason: error.message }] };
  }
}

async function stands(store: ObjectStore, key: string): Promise<boolean> {
  return (await headIfThere(store, key)) !== null;
}

/** One capsule's worth: what several references share is in it once. */
function together(found: readonly Collected[]): Collected {
  const entries = found.flatMap((each) => each.entries);
  return {
    entries: [...new Map(entries.map((each) => [`${each.key}\n${each.s3VersionId}`, each])).values()],
    missing: [...new Map(found.flatMap((each) => each.missing).map((each) => [each.name, each])).values()],
  };
}

function packageKey(reference: ModelReference): string {
  return `${packageFolder(reference)}manifest.json`;
}
