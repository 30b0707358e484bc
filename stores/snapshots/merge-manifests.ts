import { canonicalJson } from '../../domain/canonical-json.ts';
import type { SnapshotFacts, SnapshotFile, SnapshotManifest } from '../../domain/snapshot.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { compareFiles, sameBytes } from './compare-manifests.ts';
import type { FileChanges } from './incremental.ts';
import { compareKeys } from './key-order.ts';
import { type MergeSide, mergeColumns, type MergingFiles, type TakenFile, threeWay } from './merge-columns.ts';

/** Three manifests of a dataset: where both sides came from, and the two. */
export type ThreeManifests = {
  readonly base: SnapshotManifest;
  readonly ours: SnapshotManifest;
  readonly theirs: SnapshotManifest;
};

/** What turns `ours` into the merged snapshot; nothing of it holds where there are conflicts. */
export type MergedManifests = {
  readonly facts: Omit<SnapshotFacts, 'dataset' | 'rows'>;
  readonly changes: FileChanges;
  readonly conflicts: readonly string[];
  /** Whether both sides changed some file alike: what they count does not add up then. */
  readonly changedAlike: boolean;
};

/** A change since the base. `repin`: the bytes are the base's. */
type Change = TakenFile & { readonly repin: boolean };
type Changes = ReadonlyMap<string, Change>;

/**
 * Merges two manifests three-way by their base: a file that one side changed is taken from that side, one that both changed to different bytes
 * is a conflict by its key; columns and the dialect likewise, as `column 'x'` and `dialect`.
 */
export async function mergeManifests(
  store: ObjectStore,
  { base, ours, theirs }: ThreeManifests,
): Promise<MergedManifests> {
  const ourChanges = await changesOf(store, base, ours);
  const theirChanges = await changesOf(store, base, theirs);
  const { taken, conflicts } = chooseChanges(ourChanges, theirChanges);
  const files = whoHas(ourChanges, theirChanges, taken);
  const put = [...taken.values()].flatMap(({ file }) => (file === null ? [] : [file]));
  const remove = [...taken].flatMap(([key, { file }]) => (file === null ? [key] : []));
  const columns = mergeColumns({ base: base.columns, ours, theirs }, { ...files, taken });
  const changedAlike = [...theirChanges].some(([key, { repin }]) => !repin && ourChanges.get(key)?.repin === false);
  const dialect = mergeDialects({ base, ours, theirs }, { ours: puts(ourChanges), theirs: put });
  return {
    facts: { columns: columns.columns, deviations: columns.deviations, dialect: dialect.value },
    changes: { put, remove },
    changedAlike,
    conflicts: [...conflicts.toSorted(compareKeys), ...columns.conflicts, ...(dialect.clash ? ['dialect'] : [])],
  };
}

async function changesOf(store: ObjectStore, base: SnapshotManifest, side: SnapshotManifest): Promise<Changes> {
  const { files, repinned } = await compareFiles(store, base, side);
  return new Map<string, Change>([
    ...files.added.map((file) => [file.key, { file, replaces: false, repin: false }] as const),
    ...files.changed.map(({ to }) => [to.key, { file: to, replaces: true, repin: false }] as const),
    ...files.removed.map(({ key }) => [key, { file: null, replaces: true, repin: false }] as const),
    ...repinned.map((file) => [file.key, { file, replaces: true, repin: true }] as const),
  ]);
}

/** Which of their changes are taken over, and the keys that both sides changed differently. */
function chooseChanges(
  ours: Changes,
  theirs: Changes,
): { readonly taken: Changes; readonly conflicts: readonly string[] } {
  const taken = new Map<string, Change>();
  const conflicts: string[] = [];
  for (const [key, change] of theirs) {
    const own = ours.get(key);
    if (own === undefined || (own.repin && !change.repin)) taken.set(key, change);
    else if (!change.repin && !sameOutcome(own.file, change.file)) conflicts.push(key);
  }
  return { taken, conflicts };
}

function sameOutcome(a: SnapshotFile | null, b: SnapshotFile | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}

/** Which sides hold the bytes that a key has in the merged snapshot; none where it is gone. */
function whoHas(ours: Changes, theirs: Changes, taken: Changes): Pick<MergingFiles, 'candidates' | 'sidesOf'> {
  const sidesOf = (key: string): readonly MergeSide[] => {
    if ((taken.get(key) ?? ours.get(key))?.file === null) return [];
    const changed: readonly MergeSide[] = [
      ...(ours.get(key)?.repin === false ? (['ours'] as const) : []),
      ...(theirs.get(key)?.repin === false ? (['theirs'] as const) : []),
    ];
    return changed.length === 0 ? ['ours', 'theirs'] : changed;
  };
  return { candidates: [...ours.keys(), ...theirs.keys()], sidesOf };
}

function puts(changes: Changes): readonly SnapshotFile[] {
  return [...changes.values()].flatMap(({ file, repin }) => (file === null || repin ? [] : [file]));
}

/** A snapshot has one dialect: it must be that of all text files which either side brought. */
function mergeDialects(
  { base, ours, theirs }: ThreeManifests,
  brought: { readonly ours: readonly SnapshotFile[]; readonly theirs: readonly SnapshotFile[] },
): { readonly value: SnapshotManifest['dialect']; readonly clash: boolean } {
  const equal = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b);
  const chosen = threeWay({ base: base.dialect, ours: ours.dialect, theirs: theirs.dialect }, equal);
  const value = chosen === 'both' ? ours.dialect : chosen.value;
  const misread = (side: MergeSide, manifest: SnapshotManifest) =>
    !equal(manifest.dialect, value) && brought[side].some(({ format }) => format !== 'parquet');
  return { value, clash: chosen === 'both' || misread('ours', ours) || misread('theirs', theirs) };
}
