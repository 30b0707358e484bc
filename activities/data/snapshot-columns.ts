import { CodedError } from '../../domain/errors.ts';
import type { Column, ColumnDeviation, SnapshotManifest } from '../../domain/snapshot.ts';
import { partitionsOf } from '../../stores/data-files/partitions.ts';
import { unreadable } from '../../stores/data-files/unreadable.ts';
import { relationSql } from '../../stores/slices.ts';
import { deviations, type Layout, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import { compareKeys } from '../../stores/snapshots/key-order.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import type { FileComparison } from './parent-snapshot.ts';

/** Columns of a snapshot and how its files differ from them. */
export type SnapshotColumns = { readonly columns: readonly Column[]; readonly deviations: readonly ColumnDeviation[] };

const filesAtOnce = 1_000;

/**
 * The columns that result when new files join a parent's that stay, without looking at those again; null where that cannot be told. The
 * answer is the one that reading all headers gives, order included, because columns are part of the digest. It can be told when the new
 * files have the parent's columns with the same types, perhaps with more beside them, and either stand behind all others, or all of the
 * parent's files are alike.
 */
export function columnsAfter(
  parent: SnapshotManifest,
  layout: Layout,
  compared: FileComparison,
): { readonly columns: readonly Column[]; readonly fresh: readonly string[] } | null {
  const known = new Map(parent.columns.map((column) => [column.name.toLowerCase(), column]));
  const unlike = layout.columns.some((column) => {
    const before = known.get(column.name.toLowerCase());
    return before !== undefined && (before.type !== column.type || before.zoned !== column.zoned);
  });
  if (unlike || layout.columns.some(({ type }) => type === 'other') || narrows(parent, compared)) return null;
  const fresh = layout.columns.filter(({ name }) => !known.has(name.toLowerCase()));
  const columns = [...parent.columns, ...fresh];
  const names = fresh.map(({ name }) => name);
  const [first] = layout.files;
  if (first === undefined || isAppended(parent, layout, compared)) {
    return compared.gone.length === 0 || isFirstKept(parent, compared) ? { columns, fresh: names } : null;
  }
  if (parent.deviations.length > 0) return null;
  const leads = compared.firstKept !== null && compareKeys(first.key, compared.firstKept) < 0;
  if (!leads) return isFirstKept(parent, compared) ? { columns, fresh: names } : null;
  const own = new Set([...first.columns.keys()].map((name) => name.toLowerCase()));
  const hasAll = parent.columns.every(({ name }) => own.has(name.toLowerCase()));
  return hasAll ? { columns: layout.columns, fresh: names } : null;
}

/** Files that went may have been the only ones with a column, or with a wider type. */
function narrows(parent: SnapshotManifest, { gone }: FileComparison): boolean {
  if (gone.length === 0) return false;
  if (parent.deviations.length > 0) return true;
  const text = new Set(parent.columns.filter(({ type }) => type === 'string').map(({ name }) => name.toLowerCase()));
  return gone.some(({ key }) => partitionsOf(key).some(({ name }) => text.has(name.toLowerCase())));
}

function isAppended(parent: SnapshotManifest, { files }: Layout, { gone }: FileComparison): boolean {
  const last = parent.parts.at(-1)?.lastKey;
  return gone.length === 0 && last !== undefined && files.every(({ key }) => compareKeys(last, key) < 0);
}

function isFirstKept(parent: SnapshotManifest, { firstKept }: FileComparison): boolean {
  return firstKept !== null && firstKept === parent.parts[0]?.firstKey;
}

/** How the files deviate after `columnsAfter`: those that stay lack what is new, and otherwise deviate as they did. */
export async function deviationsAfter(
  kept: AsyncIterable<{ readonly key: string }>,
  found: {
    readonly parent: SnapshotManifest;
    readonly layout: Layout;
    readonly columns: readonly Column[];
    readonly fresh: readonly string[];
    readonly gone: FileComparison['gone'];
  },
): Promise<readonly ColumnDeviation[]> {
  const added = deviations({ files: found.layout.files, columns: found.columns });
  const left = new Set(found.gone.map(({ key }) => key));
  const standing = found.parent.deviations.filter(({ key }) => !left.has(key));
  if (found.fresh.length === 0) return [...standing, ...added];
  const before = new Map(standing.map((deviation) => [deviation.key, deviation]));
  const extended: ColumnDeviation[] = [];
  for await (const { key } of kept) {
    const { missing, unlike } = before.get(key) ?? { missing: [], unlike: [] };
    const lacking = new Set([...missing, ...found.fresh]);
    extended.push({ key, missing: found.columns.map(({ name }) => name).filter((name) => lacking.has(name)), unlike });
  }
  return [...extended, ...added];
}

/**
 * Refuses files whose columns do not go together: moments with and without a zone under one name, which would be hours apart without a
 * word, and types that DuckDB cannot read as one.
 *
 * @throws CodedError DATA_UNREADABLE naming the column and the files.
 */
export async function requireTogether(tables: Tables, layout: Layout): Promise<void> {
  requireOneZone(layout);
  const unlike = new Set(deviations(layout).flatMap((deviation) => deviation.unlike));
  const doubtful = layout.columns.filter(({ name, type }) => type === 'other' || unlike.has(name));
  if (layout.files.length < 2 || doubtful.length === 0) return;
  const first = layout.files[0];
  for (let from = 0; from < layout.files.length; from += filesAtOnce) {
    const group = layout.files.slice(from, from + filesAtOnce);
    await readTogether(
      tables,
      first === undefined || from === 0 ? group : [first, ...group],
      doubtful.map(({ name }) => name),
    );
  }
}

function requireOneZone({ files, columns }: Layout): void {
  for (const { name, type } of columns) {
    if (type !== 'timestamp') continue;
    const having = files.filter((file) => file.columns.get(name) === 'timestamp');
    const zoned = having.find((file) => file.zoned.has(name));
    const plain = having.find((file) => !file.zoned.has(name));
    if (zoned === undefined || plain === undefined) continue;
    throw new CodedError(
      'DATA_UNREADABLE',
      `Column '${name}' has moments with a time zone in ${zoned.key} and without one in ${plain.key}, which could be hours apart. Write all files with zone, or all in UTC without, and add them anew.`,
      { details: { column: name, zoned: zoned.key, key: plain.key } },
    );
  }
}

async function readTogether(tables: Tables, files: readonly LocalFile[], names: readonly string[]): Promise<void> {
  const own = await tables.all(`DESCRIBE SELECT * FROM ${relationSql(files.map(({ path }) => path))}`);
  const present = new Set(own.map((row) => String(row['column_name']).toLowerCase()));
  const values = names
    .filter((name) => present.has(name.toLowerCase()))
    .map((name) => `bit_xor(hash(${identifier(name)}))`);
  if (values.length === 0) return;
  try {
    await tables.all(`SELECT ${values.join(', ')} FROM ${relationSql(files.map(({ path }) => path))}`);
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    const named = files.find(({ path }) => text.includes(path));
    throw unreadable(named?.key ?? files.map(({ key }) => key).join(' with '), error, named?.path);
  }
}
