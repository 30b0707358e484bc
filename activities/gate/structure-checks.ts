import type { Expectation, Severity } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { StructureCheck } from './check.ts';
import type { FileLayout, Layout } from '../../stores/snapshots/describe-files.ts';
import { fits, misfit } from './typed-sql.ts';

/** An expectation on one column. */
export type OnColumn = Exclude<Expectation, { readonly kind: 'rowCount' }>;

/**
 * What the files' headers alone tell: columns that a file lacks, and types that do not fit what was said or cannot be held against
 * bounds. One check a column, however many expectations name it, with the severity of the strictest of them.
 */
export function structureChecks(expectations: readonly OnColumn[], layout: Layout): readonly StructureCheck[] {
  const columns = [...new Set(expectations.map((expectation) => expectation.column))];
  return columns.flatMap((column) => {
    const own = expectations.filter((expectation) => expectation.column === column);
    return [...missingColumn(column, own, layout), ...wrongTypes(column, own, layout)];
  });
}

/** The type that a column has in all files read together; null when no file has it. */
export function unionType(layout: Layout, name: string): ColumnType | null {
  return layout.columns.find((column) => column.name === name)?.type ?? null;
}

function missingColumn(column: string, own: readonly OnColumn[], layout: Layout): readonly StructureCheck[] {
  const lacking = layout.files.filter((file) => !file.columns.has(column));
  if (lacking.length === 0) return [];
  return [
    {
      kind: 'structure',
      code: 'SCHEMA_MISSING_COLUMN',
      column,
      severity: strictest(own),
      expected: `${column} in every file`,
      observed: `missing in ${named(lacking)}`,
      count: lacking.length,
      bad: null,
    },
  ];
}

function wrongTypes(column: string, own: readonly OnColumn[], layout: Layout): readonly StructureCheck[] {
  return wantedTypes(own).flatMap((wanted): StructureCheck[] => {
    const unfit = layout.files.filter((file) => file.columns.has(column) && !fits(file.columns.get(column), wanted));
    if (unfit.length === 0) return [];
    const types = [...new Set(unfit.map((file) => file.columns.get(column)))].join(' and ');
    return [
      {
        kind: 'structure',
        code: 'UNEXPECTED_DATA_TYPE',
        column,
        severity: strictest(own.filter((expectation) => expectation.kind === 'type' || isNumeric(expectation))),
        expected: `${column} of type ${wanted}`,
        observed: `${types} in ${named(unfit)}`,
        count: unfit.length,
        bad: misfit(column, unionType(layout, column), wanted),
      },
    ];
  });
}

/** The types that are said; and number, where bounds need it and nothing as strict is said. */
function wantedTypes(own: readonly OnColumn[]): readonly ColumnType[] {
  const said = own.flatMap((expectation) => (expectation.kind === 'type' ? [expectation.type] : []));
  const covered = said.some((type) => fits(type, 'number'));
  return [...new Set<ColumnType>([...said, ...(own.some(isNumeric) && !covered ? (['number'] as const) : [])])];
}

function isNumeric(expectation: OnColumn): boolean {
  return expectation.kind === 'between' || expectation.kind === 'quantileBetween' || expectation.kind === 'meanBetween';
}

function strictest(expectations: readonly OnColumn[]): Severity {
  return expectations.every((expectation) => expectation.severity === 'warn') ? 'warn' : 'block';
}

function named(files: readonly FileLayout[]): string {
  const shown = files
    .slice(0, 3)
    .map((file) => file.key)
    .join(', ');
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown;
}
