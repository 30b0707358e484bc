import type { Column, ColumnDeviation, ColumnType } from '../../domain/snapshot.ts';
import { firstPlace } from '../data-files/dialect.ts';
import { unreadable } from '../data-files/unreadable.ts';
import { relationSql } from '../slices.ts';
import { pathLiteral, type Tables } from '../tables.ts';

/** A data file on this machine; `key` is its name towards people. */
export type LocalFile = { readonly key: string; readonly path: string };

/** What a file's own header says. */
export type FileLayout = LocalFile & { readonly columns: ReadonlyMap<string, ColumnType> } & {
  readonly zoned: ReadonlySet<string>;
};

/** The columns of several files read as one: the union, with the type that fits all of them, in order of first appearance. */
export type Layout = { readonly files: readonly FileLayout[]; readonly columns: readonly Column[] };

/** Files that one statement reads: beyond this many their list alone is megabytes of SQL. */
const filesAtOnce = 1_000;

/**
 * Reads the columns of each file and of all together; touches headers only.
 *
 * @throws CodedError DATA_UNREADABLE naming the file, also where it has two columns of one name.
 */
export async function describeFiles(tables: Tables, files: readonly LocalFile[]): Promise<Layout> {
  const layouts: FileLayout[] = [];
  for (const file of files) layouts.push(await describeFile(tables, file));
  return { files: layouts, columns: await union(tables, files, layouts) };
}

/** How each file differs from the union; files that do not are left out. */
export function deviations(layout: Layout): readonly ColumnDeviation[] {
  const columns = layout.columns.map((column) => ({ ...column, place: column.name.toLowerCase() }));
  return layout.files
    .map((file) => {
      const own = new Map([...file.columns].map(([name, type]) => [name.toLowerCase(), type]));
      return {
        key: file.key,
        missing: columns.filter(({ place }) => !own.has(place)).map(({ name }) => name),
        unlike: columns.filter(({ place, type }) => own.has(place) && own.get(place) !== type).map(({ name }) => name),
      };
    })
    .filter((deviation) => deviation.missing.length + deviation.unlike.length > 0);
}

/** The type that a DuckDB type is towards the rest of Perdura; a date is a timestamp at midnight. */
export function columnType(duckdbType: string): ColumnType {
  const name = duckdbType.replace(/\(.*$/, '').toUpperCase();
  if (duckdbType.endsWith(']')) return 'other';
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/.test(name)) return 'integer';
  if (/^(FLOAT|DOUBLE|DECIMAL)$/.test(name)) return 'number';
  if (/^(VARCHAR|ENUM|UUID)$/.test(name)) return 'string';
  if (/^(DATE|TIMESTAMP.*)$/.test(name)) return 'timestamp';
  return name === 'BOOLEAN' ? 'boolean' : 'other';
}

async function describeFile(tables: Tables, file: LocalFile): Promise<FileLayout> {
  try {
    await requireOwnNames(tables, file);
    const columns = await describe(tables, [file.path]);
    return {
      ...file,
      columns: new Map(columns.map((column) => [column.name, column.type])),
      zoned: new Set(columns.filter((column) => column.zoned === true).map((column) => column.name)),
    };
  } catch (error) {
    throw unreadable(file.key, error, file.path);
  }
}

/** DuckDB would call the second `a` of two `a_1`, without a word. */
async function requireOwnNames(tables: Tables, { path }: LocalFile): Promise<void> {
  const elements = await tables.all(`SELECT name, num_children FROM parquet_schema(${pathLiteral(path)})`);
  const names: string[] = [];
  for (let place = 1; place < elements.length; place = behind(elements, place)) {
    names.push(String(elements[place]?.['name']));
  }
  const seen = new Set<string>();
  for (const name of names) {
    const place = name.toLowerCase();
    if (seen.has(place))
      throw new Error(`two columns are named '${names[firstPlace(names, name)] ?? name}' (without regard to case)`);
    seen.add(place);
  }
}

/** The schema is a tree, written root first: where the element after this one and all below it stands. */
function behind(elements: readonly Readonly<Record<string, unknown>>[], place: number): number {
  let next = place + 1;
  for (let child = Number(elements[place]?.['num_children'] ?? 0); child > 0; child--) next = behind(elements, next);
  return next;
}

/** In groups for very many files; then the names' order is still that of first appearance. */
async function union(
  tables: Tables,
  files: readonly LocalFile[],
  layouts: readonly FileLayout[],
): Promise<readonly Column[]> {
  const alike = new Map<string, LocalFile>();
  for (const layout of layouts) {
    const header = JSON.stringify([...layout.columns, ...layout.zoned]);
    if (!alike.has(header)) alike.set(header, layout);
  }
  const [only, second] = layouts;
  if (only !== undefined && second === undefined) {
    return [...only.columns].map(([name, type]) => columnOf(name, type, only.zoned.has(name)));
  }
  const different = [...alike.values()];
  const some = files.length <= filesAtOnce ? files : different;
  try {
    return await describe(
      tables,
      some.map((file) => file.path),
    );
  } catch (error) {
    throw await incompatible(tables, different, error);
  }
}

/** Names the first file whose columns do not go together with those before it. */
async function incompatible(tables: Tables, files: readonly LocalFile[], error: unknown): Promise<Error> {
  const paths: string[] = [];
  for (const file of files) {
    paths.push(file.path);
    const fits = await describe(tables, paths).then(
      () => true,
      () => false,
    );
    if (!fits) return unreadable(file.key, error, file.path);
  }
  return unreadable(files.map((file) => file.key).join(' with '), error);
}

async function describe(tables: Tables, paths: readonly string[]): Promise<readonly Column[]> {
  const rows = await tables.all(`DESCRIBE SELECT * FROM ${relationSql(paths)}`);
  return rows.map((row) => {
    const duckdbType = String(row['column_type']);
    const type = columnType(duckdbType);
    return columnOf(String(row['column_name']), type, /^timestamp with/i.test(duckdbType));
  });
}

function columnOf(name: string, type: ColumnType, zoned: boolean): Column {
  return type === 'timestamp' ? { name, type, zoned } : { name, type };
}
