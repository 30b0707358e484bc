import { canonicalJson } from '../../domain/canonical-json.ts';
import type { SnapshotFile, SnapshotManifest, TextDialect } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { mainBranch, ofName } from '../../stores/snapshots/history-lookup.ts';
import { readHistory } from '../../stores/snapshots/history.ts';
import { compareKeys } from '../../stores/snapshots/key-order.ts';
import { readManifest, snapshotFiles } from '../../stores/snapshots/manifest.ts';
import type { ChosenObject } from './chosen-objects.ts';

/** The snapshot whose files need not be read again. */
export type Parent = { readonly digest: string; readonly manifest: SnapshotManifest };

/** How the chosen objects differ from the parent's files; both lists in key order, `gone` with the old side of what is replaced. */
export type FileComparison = {
  readonly put: readonly ChosenObject[];
  readonly gone: readonly SnapshotFile[];
  readonly kept: number;
  readonly keptRows: number;
  readonly firstKept: string | null;
};

/** Where a branch stands; a branch that is new goes on from `latest`. Null for the first snapshot of a dataset. */
export async function parentOf(store: ObjectStore, dataset: string, branch: string): Promise<Parent | null> {
  const history = await readHistory(store, dataset);
  if (history === null) return null;
  const standing = ofName(history.branches, branch) ?? ofName(history.branches, mainBranch);
  if (standing === undefined) return null;
  const { digest } = standing;
  return { digest, manifest: await readManifest(store, { dataset, digest }) };
}

/** Whether a parent's text files would be read in the same way. */
export function readsAlike(parent: Parent, dialect: TextDialect | null): boolean {
  return canonicalJson(parent.manifest.dialect) === canonicalJson(dialect);
}

/** Goes through both in key order at once, so that a million files that stay are never in memory together. */
export async function compareWithParent(
  store: ObjectStore,
  parent: SnapshotManifest | null,
  chosen: AsyncIterable<ChosenObject> | Iterable<ChosenObject>,
): Promise<FileComparison> {
  const put: ChosenObject[] = [];
  const gone: SnapshotFile[] = [];
  let [kept, keptRows, firstKept] = [0, 0, null as string | null];
  const standing = parent === null ? null : snapshotFiles(store, parent)[Symbol.asyncIterator]();
  const next = async (): Promise<SnapshotFile | null> => {
    const found = await standing?.next();
    return found === undefined || found.done === true ? null : found.value;
  };
  let old = await next();
  for await (const object of chosen) {
    for (; old !== null && compareKeys(old.key, object.key) < 0; old = await next()) gone.push(old);
    const same = old?.key === object.key ? old : null;
    if (same !== null && isSame(same, object)) {
      kept++;
      keptRows += same.rows;
      firstKept ??= same.key;
    } else {
      put.push(object);
      if (same !== null) gone.push(same);
    }
    if (same !== null) old = await next();
  }
  for (; old !== null; old = await next()) gone.push(old);
  return { put, gone, kept, keptRows, firstKept };
}

/** The parent's files that stay. */
export async function* keptFiles(
  store: ObjectStore,
  parent: SnapshotManifest,
  { gone }: Pick<FileComparison, 'gone'>,
): AsyncGenerator<SnapshotFile> {
  const left = new Set(gone.map(({ key }) => key));
  for await (const file of snapshotFiles(store, parent)) if (!left.has(file.key)) yield file;
}

/** A version of S3 never changes, so its id says enough. */
function isSame(old: SnapshotFile, object: ChosenObject): boolean {
  return old.s3VersionId === object.s3VersionId && (object.sha256 === null || object.sha256 === old.sha256);
}
