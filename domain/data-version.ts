import type { Column, ColumnDeviation, ColumnType } from './snapshot.ts';

/** How much a snapshot differs from the one before: `none` is the same snapshot. */
export type DataChange = 'major' | 'minor' | 'patch' | 'none';

/** What the size of a change is told from: how many files came, went and have other bytes or other pins, and what became of the columns. */
export type DataChangeFacts = {
  readonly files: {
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
    /** The same bytes under another S3 version. */
    readonly repinned: number;
  };
  readonly columns: {
    readonly added: readonly Column[];
    readonly removed: readonly Column[];
    readonly retyped: readonly { readonly from: Column; readonly to: Column }[];
  };
  /** Columns of the older snapshot that all its files had alike, and that some file of the newer one lacks or has otherwise. */
  readonly deviating: readonly string[];
  /** How text is read changed. */
  readonly dialect: boolean;
};

const firstVersion = '1.0.0';
const dataVersion = /^(\d+)\.(\d+)\.(\d+)$/;

/**
 * How much changed, by what a reader of the older snapshot meets in the newer one. Major: a column is gone, has a type that does not take
 * the old values, or is newly missing or unlike in some file. Minor: columns or files more, files fewer. Patch: the same keys with other
 * bytes. Each reason is a sentence; those of the largest change come first.
 */
export function dataChange(facts: DataChangeFacts): {
  readonly change: DataChange;
  readonly reasons: readonly string[];
} {
  const major = majorReasons(facts);
  const minor = minorReasons(facts);
  const patch = [
    ...countReason(facts.files.changed, 'has other bytes', 'have other bytes'),
    ...countReason(facts.files.repinned, 'is pinned at another S3 version', 'are pinned at other S3 versions'),
  ];
  const reasons = [...major, ...minor, ...patch];
  if (major.length > 0) return { change: 'major', reasons };
  if (minor.length > 0) return { change: 'minor', reasons };
  return { change: patch.length > 0 ? 'patch' : 'none', reasons };
}

/** The data version after a change; 1.0.0 is the first. `none` keeps the one there is. */
export function nextDataVersion(current: string | null, change: DataChange): string {
  if (current === null) return firstVersion;
  const [major, minor, patch] = partsOf(current);
  switch (change) {
    case 'major':
      return `${major + 1}.0.0`;
    case 'minor':
      return `${major}.${minor + 1}.0`;
    case 'patch':
      return `${major}.${minor}.${patch + 1}`;
    case 'none':
      return current;
    default:
      return change satisfies never;
  }
}

/**
 * The next free version of the same kind: after a rollback, or on a second branch, the version that a change asks for may belong to another
 * snapshot already.
 */
export function freeDataVersion(wanted: string, isTaken: (version: string) => boolean): string {
  const [, minor, patch] = partsOf(wanted);
  const kind = patch > 0 ? 'patch' : minor > 0 ? 'minor' : 'major';
  let version = wanted;
  while (isTaken(version)) version = nextDataVersion(version, kind);
  return version;
}

/** Whether a name reads as a data version. */
export function isDataVersion(name: string): boolean {
  return dataVersion.test(name);
}

/** Whether a column of the newer type takes every value that the older held as it was: only a number takes an integer. */
export function takesValues(newer: ColumnType, older: ColumnType): boolean {
  return newer === older || (newer === 'number' && older === 'integer');
}

/** Which columns deviate in some file, of those that were there before and did not: what DataChangeFacts calls `deviating`. */
export function newlyDeviating(
  from: { readonly columns: readonly Column[]; readonly deviations: readonly ColumnDeviation[] },
  to: { readonly columns: readonly Column[]; readonly deviations: readonly ColumnDeviation[] },
): readonly string[] {
  const types = new Map(to.columns.map((column) => [column.name, column.type]));
  const before = { missing: namesIn(from.deviations, 'missing'), unlike: namesIn(from.deviations, 'unlike') };
  const now = { missing: namesIn(to.deviations, 'missing'), unlike: namesIn(to.deviations, 'unlike') };
  return from.columns
    .filter(({ name, type }) => {
      if (!types.has(name)) return false;
      const unlike = types.get(name) === type && now.unlike.has(name) && !before.unlike.has(name);
      return unlike || (now.missing.has(name) && !before.missing.has(name));
    })
    .map(({ name }) => name);
}

function majorReasons({ columns, deviating, dialect }: DataChangeFacts): readonly string[] {
  const narrowed = columns.retyped.filter(({ from, to }) => !takesOld(from, to));
  return [
    ...columns.removed.map(({ name }) => `Column '${name}' is gone.`),
    ...narrowed.map(({ from, to }) => `Column '${from.name}' was ${typeText(from)} and is ${typeText(to)}.`),
    ...deviating.map((name) => `Column '${name}' is no longer the same in all files.`),
    ...(dialect ? ['Text files are read with another dialect.'] : []),
  ];
}

function minorReasons({ columns, files }: DataChangeFacts): readonly string[] {
  const widened = columns.retyped.filter(({ from, to }) => takesOld(from, to));
  return [
    ...columns.added.map(({ name }) => `Column '${name}' is new.`),
    ...widened.map(
      ({ from, to }) => `Column '${from.name}' was ${typeText(from)} and is ${typeText(to)}, which takes it.`,
    ),
    ...countReason(files.added, 'is new', 'are new'),
    ...countReason(files.removed, 'is gone', 'are gone'),
  ];
}

function takesOld(from: Column, to: Column): boolean {
  return takesValues(to.type, from.type) && (from.zoned ?? false) === (to.zoned ?? false);
}

function typeText({ type, zoned }: Column): string {
  return zoned === true ? `a ${type} with zone` : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

function countReason(count: number, one: string, several: string): readonly string[] {
  if (count === 0) return [];
  return [count === 1 ? `One file ${one}.` : `${count} files ${several}.`];
}

function namesIn(deviations: readonly ColumnDeviation[], kind: 'missing' | 'unlike'): ReadonlySet<string> {
  return new Set(deviations.flatMap((deviation) => deviation[kind]));
}

function partsOf(version: string): readonly [number, number, number] {
  const [, major, minor, patch] = dataVersion.exec(version) ?? [];
  if (major === undefined) throw new RangeError(`'${version}' is no data version such as 1.2.0`);
  return [Number(major), Number(minor), Number(patch)];
}
