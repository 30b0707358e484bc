import type { Expectation, Severity } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { FileLayout, Layout } from '../../stores/snapshots/describe-files.ts';
import type { StructureCheck } from './check.ts';
import { columnSetChecks } from './column-set-checks.ts';
import { fits, misfit } from './typed-sql.ts';

const onNumbers: ReadonlySet<Expectation['kind']> = new Set([
  'between',
  'quantileBetween',
  'meanBetween',
  'sumBetween',
] as const);

/** The columns that an expectation looks at; those of a SQL expression are found when it is bound. */
export function columnsOf(expectation: Expectation): readonly string[] {
  switch (expectation.kind) {
    case 'condition':
    case 'onlyColumns':
    case 'volume':
      return [];
    case 'rowFunction':
    case 'unique':
      return expectation.columns;
    case 'rowCount':
      return expectation.per === undefined ? [] : [expectation.per];
    case 'quantileBetween':
    case 'meanBetween':
    case 'sumBetween':
      return [expectation.column, ...(expectation.per === undefined ? [] : [expectation.per])];
    case 'monotonic':
      return [expectation.column, ...(expectation.by === undefined ? [] : [expectation.by])];
    case 'type':
    case 'notNull':
    case 'between':
    case 'oneOf':
    case 'matches':
    case 'fresh':
    case 'references':
    case 'drift':
      return [expectation.column];
    default:
      return expectation satisfies never;
  }
}

/** The type that a column has in all files read together; null when no file has it. */
export function unionType(layout: Layout, name: string): ColumnType | null {
  return layout.columns.find((column) => column.name === name)?.type ?? null;
}

/** Whether some file has every one of the columns. */
export function hasColumns(layout: Layout, names: readonly string[]): boolean {
  return names.every((name) => unionType(layout, name) !== null);
}

/**
 * What the files' headers alone tell: columns that a file lacks, and types that do not fit what was said or cannot be held against
 * bounds. One check a column, however many expectations name it, with the severity of the strictest of them.
 */
export function structureChecks(expectations: readonly Expectation[], layout: Layout): readonly StructureCheck[] {
  const columns = [...new Set(expectations.flatMap(columnsOf))];
  const ofColumns = columns.flatMap((column) => {
    const own = expectations.filter((expectation) => columnsOf(expectation).includes(column));
    return [...missingColumn(column, own, layout), ...wrongTypes(column, own, layout), ...noZone(column, own, layout)];
  });
  return [...ofColumns, ...columnSetChecks(expectations, layout)];
}

/** A column that files lack, for the expectations that name it. */
export function missingColumn(column: string, own: readonly Expectation[], layout: Layout): readonly StructureCheck[] {
  const lacking = layout.files.filter((file) => !file.columns.has(column));
  if (lacking.length === 0) return [];
  return [
    {
      ...structural(column, own),
      code: 'SCHEMA_MISSING_COLUMN',
      expected: `${column} in every file`,
      observed: `missing in ${named(lacking)}`,
      count: lacking.length,
      bad: null,
    },
  ];
}

/** The first files by name, and how many more. */
export function named(files: readonly FileLayout[]): string {
  const shown = files
    .slice(0, 3)
    .map((file) => file.key)
    .join(', ');
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown;
}

function wrongTypes(column: string, own: readonly Expectation[], layout: Layout): readonly StructureCheck[] {
  return wantedTypes(column, own).flatMap((wanted): StructureCheck[] => {
    const unfit = layout.files.filter((file) => file.columns.has(column) && !fits(file.columns.get(column), wanted));
    if (unfit.length === 0) return [];
    const types = [...new Set(unfit.map((file) => file.columns.get(column)))].join(' and ');
    const about = own.filter((expectation) => expectation.kind === 'type' || neededType(column, expectation) !== null);
    return [
      {
        ...structural(column, about),
        code: 'UNEXPECTED_DATA_TYPE',
        expected: `${column} of type ${wanted}`,
        observed: `${types} in ${named(unfit)}`,
        count: unfit.length,
        bad: misfit(column, unionType(layout, column), wanted),
      },
    ];
  });
}

/** DuckDB reads the files together: with a zone where one of them has it. Files of both kinds are refused when a snapshot is made. */
function noZone(column: string, own: readonly Expectation[], layout: Layout): readonly StructureCheck[] {
  const asking = own.filter((expectation) => expectation.kind === 'type' && expectation.zoned !== undefined);
  const found = layout.columns.find(({ name }) => name === column);
  if (found?.type !== 'timestamp') return [];
  const zoned = found.zoned === true;
  return asking
    .filter((expectation) => expectation.kind === 'type' && expectation.zoned !== zoned)
    .map((expectation) => ({
      ...structural(column, [expectation]),
      code: zoned ? 'UNEXPECTED_DATA_TYPE' : 'TIMESTAMP_WITHOUT_ZONE',
      expected: `${column} ${zoned ? 'without' : 'with'} a time zone`,
      observed: `${zoned ? 'with' : 'without'} one in ${named(layout.files.filter((file) => file.columns.has(column)))}`,
      count: layout.files.filter((file) => file.columns.has(column)).length,
      bad: null,
    }));
}

/** The types that are said; and what bounds need, where nothing as strict is said. */
function wantedTypes(column: string, own: readonly Expectation[]): readonly ColumnType[] {
  const said = own.flatMap((expectation) => (expectation.kind === 'type' ? [expectation.type] : []));
  const needed = own
    .flatMap((expectation) => neededType(column, expectation) ?? [])
    .filter((type) => !said.some((each) => fits(each, type)));
  return [...new Set<ColumnType>([...said, ...needed])];
}

/** The type without which an expectation on a column cannot be answered; null where any will do. */
function neededType(column: string, expectation: Expectation): 'number' | 'timestamp' | null {
  if (!('column' in expectation) || expectation.column !== column) return null;
  if (expectation.kind === 'fresh') return 'timestamp';
  return onNumbers.has(expectation.kind) ? 'number' : null;
}

function structural(
  column: string,
  own: readonly Expectation[],
): Pick<StructureCheck, 'kind' | 'column' | 'label' | 'severity'> {
  return { kind: 'structure', column, label: column, severity: strictest(own) };
}

function strictest(expectations: readonly Expectation[]): Severity {
  return expectations.every((expectation) => expectation.severity === 'warn') ? 'warn' : 'block';
}
