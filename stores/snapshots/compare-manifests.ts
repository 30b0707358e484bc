import type { FilesDiff } from '../../domain/snapshot-diff.ts';
import type { ManifestPart, SnapshotFile, SnapshotManifest } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { compareKeys } from './key-order.ts';
import { filesOfParts } from './manifest-parts.ts';

/** `repinned` are files with the same bytes under another S3 version. They count as unchanged in `files`. */
export type FilesCompared = { readonly files: FilesDiff; readonly repinned: readonly SnapshotFile[] };

type Pair = { readonly from: SnapshotFile | null; readonly to: SnapshotFile | null };

/**
 * How the files of two snapshots of a dataset differ. Parts that both have are not read: where little changed, little is read.
 *
 * @throws CodedError EVIDENCE_ALTERED when a part that must be read is gone or altered.
 */
export async function compareFiles(
  store: ObjectStore,
  from: SnapshotManifest,
  to: SnapshotManifest,
): Promise<FilesCompared> {
  const [added, removed, repinned]: [SnapshotFile[], SnapshotFile[], SnapshotFile[]] = [[], [], []];
  const changed: { from: SnapshotFile; to: SnapshotFile }[] = [];
  let unchanged = sharedFiles(from, to);
  for await (const { from: before, to: now } of pairs(store, from, to)) {
    if (before === null) added.push(...(now === null ? [] : [now]));
    else if (now === null) removed.push(before);
    else if (!sameBytes(before, now)) changed.push({ from: before, to: now });
    else {
      unchanged++;
      if (before.s3VersionId !== now.s3VersionId) repinned.push(now);
    }
  }
  return { files: { added, removed, changed, unchanged }, repinned };
}

/** Whether two pins of a key are of the same bytes. */
export function sameBytes(a: SnapshotFile, b: SnapshotFile): boolean {
  return a.sha256 === b.sha256 && a.sizeBytes === b.sizeBytes;
}

function sharedFiles(from: SnapshotManifest, to: SnapshotManifest): number {
  return from.parts.filter(isIn(to)).reduce((sum, part) => sum + part.files, 0);
}

/** A key of a shared part is in no other part of either, so that walking the others side by side meets every difference. */
async function* pairs(store: ObjectStore, from: SnapshotManifest, to: SnapshotManifest): AsyncGenerator<Pair> {
  const isShared = { from: isIn(to), to: isIn(from) };
  const before = filesOfParts(
    store,
    from.dataset,
    from.parts.filter((part) => !isShared.from(part)),
  );
  const now = filesOfParts(
    store,
    to.dataset,
    to.parts.filter((part) => !isShared.to(part)),
  );
  let [older, newer] = [await nextOf(before), await nextOf(now)];
  while (older !== null || newer !== null) {
    const order = older === null ? 1 : newer === null ? -1 : compareKeys(older.key, newer.key);
    yield { from: order <= 0 ? older : null, to: order >= 0 ? newer : null };
    if (order <= 0) older = await nextOf(before);
    if (order >= 0) newer = await nextOf(now);
  }
}

function isIn(manifest: SnapshotManifest): (part: ManifestPart) => boolean {
  const digests = new Set(manifest.parts.map(({ sha256 }) => sha256));
  return ({ sha256 }) => digests.has(sha256);
}

async function nextOf(files: AsyncGenerator<SnapshotFile>): Promise<SnapshotFile | null> {
  const next = await files.next();
  return next.done === true ? null : next.value;
}
