import { sameColumn } from '../../domain/compare-columns.ts';
import { takesValues } from '../../domain/data-version.ts';
import type { Column, ColumnDeviation, SnapshotFile, SnapshotManifest } from '../../domain/snapshot.ts';

/** The branch that is merged into, and the one that is merged. */
export type MergeSide = 'ours' | 'theirs';

/** A file as it will be (null: gone), and whether `ours` had one under its key. */
export type TakenFile = { readonly file: SnapshotFile | null; readonly replaces: boolean };

/** What becomes of the files: `taken` are the changes of `theirs` that are taken over, `candidates` the keys that either side changed. */
export type MergingFiles = {
  readonly taken: ReadonlyMap<string, TakenFile>;
  readonly candidates: readonly string[];
  /** Which sides hold the bytes that a key has in the merged snapshot. */
  readonly sidesOf: (key: string) => readonly MergeSide[];
};

type Deviation = { readonly missing: ReadonlySet<string>; readonly unlike: ReadonlySet<string> };
type Side = {
  readonly columns: ReadonlyMap<string, Column>;
  readonly deviations: ReadonlyMap<string, Deviation>;
  readonly fileCount: number;
};
type Sides = Readonly<Record<MergeSide, Side>>;
type Chosen<Value> = { readonly value: Value } | 'both';

/**
 * Merges columns three-way and tells each file's deviations anew from what both sides know of it: no file is read. A column stays while a file
 * holds it. Conflicts are columns that both sides retyped differently, or of which a side's files do not fit the other side's type.
 */
export function mergeColumns(
  manifests: {
    readonly base: readonly Column[];
    readonly ours: SnapshotManifest;
    readonly theirs: SnapshotManifest;
  },
  files: MergingFiles,
): {
  readonly columns: readonly Column[];
  readonly deviations: readonly ColumnDeviation[];
  readonly conflicts: readonly string[];
} {
  const sides: Sides = { ours: sideOf(manifests.ours), theirs: sideOf(manifests.theirs) };
  const base = byName(manifests.base);
  const conflicts = new Set<string>();
  const columns = new Map<string, Column>();
  for (const name of new Set([...sides.ours.columns.keys(), ...sides.theirs.columns.keys()])) {
    if (!isHeld(name, sides, files)) continue;
    const chosen = chooseColumn(base.get(name), sides.ours.columns.get(name), sides.theirs.columns.get(name));
    if (chosen === 'both') conflicts.add(name);
    else columns.set(name, chosen.value);
  }
  const keys = [...files.candidates, ...sides.ours.deviations.keys(), ...sides.theirs.deviations.keys()];
  const deviations = [...new Set(keys)].flatMap((key) => {
    const holders = files.sidesOf(key).map((side) => sides[side]);
    if (holders.length === 0) return [];
    const found = [...columns.values()].map((column) => ({
      name: column.name,
      how: deviationOf(key, column, holders),
    }));
    for (const { name, how } of found) if (how === 'misfit') conflicts.add(name);
    const named = (wanted: string) => found.filter(({ how }) => how === wanted).map(({ name }) => name);
    const deviation = { key, missing: named('missing'), unlike: named('unlike') };
    return deviation.missing.length + deviation.unlike.length === 0 ? [] : [deviation];
  });
  return { columns: [...columns.values()], deviations, conflicts: [...conflicts].map((name) => `column '${name}'`) };
}

/** The value that one side changed, or that both have; `'both'` when they changed it to different ones. */
export function threeWay<Value>(
  values: { readonly base: Value; readonly ours: Value; readonly theirs: Value },
  equal: (a: Value, b: Value) => boolean,
): Chosen<Value> {
  const { base, ours, theirs } = values;
  if (equal(ours, theirs) || equal(base, theirs)) return { value: ours };
  return equal(base, ours) ? { value: theirs } : 'both';
}

function chooseColumn(base: Column | undefined, ours: Column | undefined, theirs: Column | undefined): Chosen<Column> {
  if (ours !== undefined && theirs !== undefined) {
    if (sameColumn(ours, theirs)) return { value: ours };
    return base === undefined ? 'both' : threeWay({ base, ours, theirs }, sameColumn);
  }
  const only = ours ?? theirs;
  return only === undefined ? 'both' : { value: only };
}

/** Whether any file of the merged snapshot has a column: those of ours but for what is taken, and what is taken of theirs. */
function isHeld(name: string, { ours, theirs }: Sides, { taken }: MergingFiles): boolean {
  const isBrought = ([key, { file }]: readonly [string, TakenFile]) => file !== null && has(theirs, key, name);
  if ([...taken].some(isBrought)) return true;
  if (!ours.columns.has(name)) return false;
  const lacking = [...ours.deviations.values()].filter(({ missing }) => missing.has(name));
  const lost = [...taken].filter(([key, { replaces }]) => replaces && has(ours, key, name));
  return ours.fileCount - lacking.length - lost.length > 0;
}

/** Whether a file has a column, for a side that has the file. */
function has(side: Side, key: string, name: string): boolean {
  return side.columns.has(name) && side.deviations.get(key)?.missing.has(name) !== true;
}

function deviationOf(
  key: string,
  column: Column,
  holders: readonly Side[],
): 'missing' | 'unlike' | 'misfit' | 'as the others' {
  const having = holders.filter((side) => has(side, key, column.name));
  if (having.length === 0) return 'missing';
  const typed = having.map((side) => ({ side, own: side.columns.get(column.name) ?? column }));
  const same = typed.find(({ own }) => sameColumn(own, column));
  if (same !== undefined)
    return same.side.deviations.get(key)?.unlike.has(column.name) === true ? 'unlike' : 'as the others';
  return typed.some(({ own }) => takesValues(column.type, own.type) && (own.zoned ?? false) === (column.zoned ?? false))
    ? 'unlike'
    : 'misfit';
}

function sideOf({ columns, deviations, fileCount }: SnapshotManifest): Side {
  const byKey = new Map(
    deviations.map(({ key, missing, unlike }) => [key, { missing: new Set(missing), unlike: new Set(unlike) }]),
  );
  return { columns: byName(columns), deviations: byKey, fileCount };
}

function byName(columns: readonly Column[]): ReadonlyMap<string, Column> {
  return new Map(columns.map((column) => [column.name, column]));
}
