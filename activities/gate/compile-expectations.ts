import type { Expectation } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import { identifier, literal } from '../../stores/tables.ts';
import type { Check, RowCheck, ValueCheck } from './check.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { type OnColumn, structureChecks, unionType } from './structure-checks.ts';
import { numberSql, readsAsNumber } from './typed-sql.ts';

type Of<Kind extends Expectation['kind']> = Extract<Expectation, { readonly kind: Kind }>;
type Bounds = { readonly min?: number; readonly max?: number };

/** From this many rows on, quantiles are taken of every n-th row, so that memory stays bounded: 16 million values are 128 MB. */
const quantileRows = 16_000_000;

/**
 * Turns expectations into checks of one scan over all files. What the headers alone tell (a column that a file lacks, a type that does not
 * fit) becomes one broken check a column; every expectation on such a column is still checked where the column can be read as asked.
 *
 * NaN is a missing value: `notNull` marks it, bounds, quantiles and means leave it out. Infinities are numbers beyond any bound.
 */
export function compileExpectations(
  expectations: readonly Expectation[],
  layout: Layout,
  rows: number,
): readonly Check[] {
  const onColumns = expectations.filter((expectation) => expectation.kind !== 'rowCount');
  return [
    ...structureChecks(onColumns, layout),
    ...expectations.flatMap((expectation) => checksOf(expectation, layout, rows)),
  ];
}

/** `at least 0`, `at most 6000`, `between 0 and 6000`. */
export function rangeText({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return `between ${min} and ${max}`;
  return min === undefined ? `at most ${max}` : `at least ${min}`;
}

function checksOf(expectation: Expectation, layout: Layout, rows: number): readonly Check[] {
  if (expectation.kind === 'rowCount') return [countCheck(expectation)];
  const type = unionType(layout, expectation.column);
  if (type === null) return [];
  switch (expectation.kind) {
    case 'type':
      return [];
    case 'notNull':
      return [presenceCheck(expectation, layout, type)];
    case 'oneOf':
    case 'matches':
      return [textCheck(expectation)];
    case 'between':
      return readsAsNumber(type) ? boundChecks(expectation, numberSql(expectation.column, type)) : [];
    case 'quantileBetween':
    case 'meanBetween':
      return readsAsNumber(type) ? [valueCheck(expectation, numberSql(expectation.column, type), rows)] : [];
    default:
      return expectation satisfies never;
  }
}

/** Rows of a file that lacks the column are not marked one by one: the missing column says it. */
function presenceCheck(expectation: Of<'notNull'>, layout: Layout, type: ColumnType): RowCheck {
  const column = identifier(expectation.column);
  const value = type === 'number' ? numberSql(expectation.column, type) : column;
  const having = layout.files.flatMap((file, index) => (file.columns.has(expectation.column) ? [index] : []));
  const everywhere = having.length === layout.files.length;
  return {
    ...rowCheck(expectation, 'FEATURE_TYPE_LOW_FRACTION_PRESENT', 'share'),
    expected: `${expectation.column} in every row`,
    bad: everywhere ? `${value} IS NULL` : `${value} IS NULL AND file_index IN (${having.join(', ')})`,
    value,
  };
}

function textCheck(expectation: Of<'oneOf'> | Of<'matches'>): RowCheck {
  const value = `CAST(${identifier(expectation.column)} AS VARCHAR)`;
  if (expectation.kind === 'matches') {
    return {
      ...rowCheck(expectation, 'PATTERN_MISMATCH', 'values'),
      expected: `${expectation.column} matches ${expectation.pattern}`,
      bad: `NOT regexp_full_match(${value}, ${literal(expectation.pattern)})`,
      value,
    };
  }
  const shown = expectation.values.slice(0, 5).join(', ');
  const more = expectation.values.length > 5 ? ` and ${expectation.values.length - 5} more` : '';
  return {
    ...rowCheck(expectation, 'ENUM_TYPE_UNEXPECTED_STRING_VALUES', 'values'),
    expected: `${expectation.column} is one of ${shown}${more}`,
    bad: `${value} NOT IN (${expectation.values.map(literal).join(', ')})`,
    value,
  };
}

function boundChecks(expectation: Of<'between'>, value: string): readonly RowCheck[] {
  const { min, max, column } = expectation;
  const low: RowCheck[] =
    min === undefined
      ? []
      : [
          {
            ...rowCheck(expectation, 'FLOAT_TYPE_SMALL_FLOAT', 'smallest'),
            expected: `${column} at least ${min}`,
            bad: `${value} < ${numberLiteral(min)}`,
            value,
          },
        ];
  if (max === undefined) return low;
  const high: RowCheck = {
    ...rowCheck(expectation, 'FLOAT_TYPE_BIG_FLOAT', 'largest'),
    expected: `${column} at most ${max}`,
    bad: `${value} > ${numberLiteral(max)}`,
    value,
  };
  return [...low, high];
}

function valueCheck(expectation: Of<'quantileBetween'> | Of<'meanBetween'>, value: string, rows: number): ValueCheck {
  const mean = expectation.kind === 'meanBetween';
  const every = Math.ceil(rows / quantileRows);
  const part = every > 1 ? ` FILTER (WHERE file_row_number % ${every} = 0)` : '';
  const what = mean ? 'mean' : `${expectation.quantile} quantile`;
  const code = mean ? 'MEAN_OUT_OF_RANGE' : 'QUANTILE_OUT_OF_RANGE';
  return {
    kind: 'value',
    column: expectation.column,
    severity: expectation.severity ?? 'block',
    expected: `${what} of ${expectation.column} ${rangeText(expectation)}`,
    sql: mean ? `avg(${value})` : `quantile_disc(${value}, ${expectation.quantile})${part}`,
    min: expectation.min ?? null,
    max: expectation.max ?? null,
    below: code,
    above: code,
  };
}

function countCheck(expectation: Of<'rowCount'>): ValueCheck {
  return {
    kind: 'value',
    column: null,
    severity: expectation.severity ?? 'block',
    expected: `rows ${rangeText(expectation)}`,
    sql: 'count(*)',
    min: expectation.min ?? null,
    max: expectation.max ?? null,
    below: 'DATASET_LOW_NUM_EXAMPLES',
    above: 'DATASET_HIGH_NUM_EXAMPLES',
  };
}

function rowCheck(
  expectation: OnColumn,
  code: RowCheck['code'],
  observe: RowCheck['observe'],
): Pick<RowCheck, 'kind' | 'code' | 'column' | 'severity' | 'observe'> {
  return { kind: 'rows', code, column: expectation.column, severity: expectation.severity ?? 'block', observe };
}

function numberLiteral(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}
