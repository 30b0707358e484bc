import { type ModelReference, packageFiles, packageFolder } from '../domain/model-package.ts';
import { type RunKey, runFolder } from '../domain/run.ts';
import type { ObjectPin, SnapshotReference } from '../domain/snapshot.ts';
import { sha256Hex } from '../stores/digest.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { readPackageManifest } from '../stores/packages.ts';
import { readSnapshot } from '../stores/snapshots.ts';
import type { CapsuleEntry, CapsuleParts, EntryKind } from './capsule.ts';

/**
 * Pins what already lies in the bucket and is not copied: the run's documents, snapshots with their data files, packages with theirs,
 * registries and routes. Digests of large files come from their manifests; replay reads the bytes.
 *
 * @throws CodedError NOT_FOUND when one is missing; EVIDENCE_ALTERED, PACKAGE_ALTERED when a manifest is not the one that the run used.
 */
export async function collectReferences(
  store: ObjectStore,
  run: RunKey,
  references: CapsuleParts['references'],
): Promise<readonly CapsuleEntry[]> {
  const folder = runFolder(run);
  const entries = [
    entry('run', await pinNewest(store, `${folder}run.json`)),
    entry('outcome', await pinNewest(store, `${folder}outcome.json`)),
  ];
  for (const snapshot of references.snapshots) entries.push(...(await snapshotEntries(store, snapshot)));
  for (const version of references.packages) entries.push(...(await packageEntries(store, version)));
  entries.push(...(references.registries ?? []).map((pin) => entry('registry', pin)));
  entries.push(...(references.routes ?? []).map((pin) => entry('route', pin)));
  return unique(entries);
}

/** Names an existing object by its key. Only the fields of a pin are taken: a caller's richer object must not change the root. */
function entry(kind: EntryKind, pin: ObjectPin): CapsuleEntry {
  const { key, s3VersionId, sizeBytes, sha256 } = pin;
  return { name: key, kind, key, s3VersionId, sizeBytes, sha256 };
}

async function pinNewest(store: ObjectStore, key: string): Promise<ObjectPin> {
  const { version, bytes } = await store.read(key);
  return { key, s3VersionId: version.s3VersionId, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
}

async function snapshotEntries(store: ObjectStore, reference: SnapshotReference): Promise<readonly CapsuleEntry[]> {
  const snapshot = await readSnapshot(store, reference);
  const manifest = await pinNewest(store, `snapshots/${reference.dataset}/${reference.digest}.json`);
  return [entry('snapshot', manifest), ...snapshot.files.map((file) => entry('data', file))];
}

async function packageEntries(store: ObjectStore, reference: ModelReference): Promise<readonly CapsuleEntry[]> {
  const folder = packageFolder(reference);
  const manifest = await readPackageManifest(store, reference);
  const entries = [entry('package-manifest', await pinNewest(store, `${folder}manifest.json`))];
  for (const name of packageFiles) {
    const { key, s3VersionId } = await store.head(folder + name);
    entries.push(entry('package-file', { ...manifest.files[name], key, s3VersionId }));
  }
  return entries;
}

function unique(entries: readonly CapsuleEntry[]): readonly CapsuleEntry[] {
  return [...new Map(entries.map((each) => [`${each.key}\n${each.s3VersionId}`, each])).values()];
}
