import type {
  ManifestPart,
  SnapshotFacts,
  SnapshotFile,
  SnapshotManifest,
  SnapshotReference,
} from '../../domain/snapshot.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { compareKeys, endsPart, inKeyOrder } from './key-order.ts';
import { factsOf, requireOrder, sealRoot } from './manifest.ts';
import { cutParts, readPart, sealPart } from './manifest-parts.ts';

/** Files that are new or other than in the parent, and keys that are gone; both in any order. */
export type FileChanges = { readonly put: readonly SnapshotFile[]; readonly remove: readonly string[] };

type Change = { readonly key: string; readonly file: SnapshotFile | null };
type Applied = { readonly files: readonly SnapshotFile[]; readonly sizeBytes: number };

/**
 * Seals a snapshot that differs from its parent by some files. Only the parts that the changes fall into are read and written, and the next one
 * where a key that ended a part is gone: of a million files with one changed, some thousand. The digest is the same as when all files
 * were sealed anew. A key to remove that is not there is no fault.
 *
 * @throws CodedError INPUT_INVALID when a key is named twice; EVIDENCE_ALTERED when a part that must be read is gone or altered.
 */
export async function sealChanges(
  store: ObjectStore,
  parent: SnapshotManifest,
  facts: Omit<SnapshotFacts, 'rows'>,
  changes: FileChanges,
): Promise<SnapshotReference> {
  const { dataset } = parent;
  const known = new Set(parent.parts.map(({ sha256 }) => sha256));
  const ordered = inOrder(dataset, changes);
  const parts: ManifestPart[] = [];
  let carried: readonly SnapshotFile[] = [];
  let sizeBytes = parent.sizeBytes;
  let next = 0;
  for (const [index, part] of parent.parts.entries()) {
    const from = next;
    next = endOfPart(ordered, from, part, index === parent.parts.length - 1);
    if (next === from && carried.length === 0) {
      parts.push(part);
      continue;
    }
    const files = await readPart(store, dataset, part);
    const applied = apply(files, ordered.slice(from, next));
    sizeBytes += applied.sizeBytes;
    const { closed, rest } = cutParts([...carried, ...applied.files]);
    for (const chunk of closed) parts.push(await sealPart(store, dataset, chunk, known));
    carried = rest;
  }
  const behind = apply([], ordered.slice(next));
  const { closed, rest } = cutParts([...carried, ...behind.files]);
  for (const chunk of rest.length === 0 ? closed : [...closed, rest])
    parts.push(await sealPart(store, dataset, chunk, known));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const fileCount = parts.reduce((sum, part) => sum + part.files, 0);
  return sealRoot(store, {
    ...factsOf({ ...facts, rows }),
    fileCount,
    sizeBytes: sizeBytes + behind.sizeBytes,
    parts,
  });
}

function inOrder(dataset: string, { put, remove }: FileChanges): readonly Change[] {
  const changes = [...put.map((file) => ({ key: file.key, file })), ...remove.map((key) => ({ key, file: null }))];
  const ordered = inKeyOrder<Change>(changes);
  requireOrder(dataset, ordered);
  return ordered;
}

/** Where the changes end that fall into a part. The last part takes what lies behind it too, unless a key ends it. */
function endOfPart(changes: readonly Change[], from: number, part: ManifestPart, last: boolean): number {
  if (last && !endsPart(part.lastKey)) return changes.length;
  let end = from;
  for (let change = changes[end]; change !== undefined; change = changes[++end])
    if (compareKeys(change.key, part.lastKey) > 0) break;
  return end;
}

/** Merges changes into files; `sizeBytes` is by how much they grow. */
function apply(files: readonly SnapshotFile[], changes: readonly Change[]): Applied {
  const merged: SnapshotFile[] = [];
  let sizeBytes = 0;
  let place = 0;
  for (const { key, file } of changes) {
    let standing = files[place];
    for (; standing !== undefined && compareKeys(standing.key, key) < 0; standing = files[++place])
      merged.push(standing);
    if (standing?.key === key) {
      sizeBytes -= standing.sizeBytes;
      place++;
    }
    if (file === null) continue;
    merged.push(file);
    sizeBytes += file.sizeBytes;
  }
  return { files: [...merged, ...files.slice(place)], sizeBytes };
}
