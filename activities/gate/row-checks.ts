import type { Expectation } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, literal } from '../../stores/tables.ts';
import type { RowCheck } from './check.ts';
import { exactNumberSql, missingSql, numberLiteral, presentSql, rawNumberSql } from './typed-sql.ts';

type Of<Kind extends Expectation['kind']> = Extract<Expectation, { readonly kind: Kind }>;

/** Values that `oneOf` names in its text. */
const shownChoices = 5;
/** Entries of a list that is cheaper walked than joined, even where a column is no dictionary. */
const longestWalked = 50;

/** Rows of a file that lacks the column are not marked one by one: the missing column says it. */
export function presenceCheck(expectation: Of<'notNull'>, layout: Layout, type: ColumnType): RowCheck {
  const value = presentSql(expectation.column, type);
  const having = layout.files.flatMap((file, index) => (file.columns.has(expectation.column) ? [index] : []));
  const everywhere = having.length === layout.files.length;
  const bad = everywhere ? `${value} IS NULL` : `${value} IS NULL AND file_index IN (${having.join(', ')})`;
  return {
    ...onColumn(expectation, 'FEATURE_TYPE_LOW_FRACTION_PRESENT'),
    observe: 'missing',
    expected: `${expectation.column} in every row`,
    bad,
    value,
    // Counting what is there needs no condition on each row.
    probe: { sql: everywhere ? missingSql(expectation.column, type) : `count_if(${bad})`, min: null, max: 0 },
  };
}

/** The value as text is one of a list, or matches a pattern as a whole. */
export function textCheck(expectation: Of<'oneOf'> | Of<'matches'>): RowCheck {
  const value = `CAST(${identifier(expectation.column)} AS VARCHAR)`;
  if (expectation.kind === 'matches') {
    return {
      ...onColumn(expectation, 'PATTERN_MISMATCH'),
      ...marked(`NOT regexp_full_match(${value}, ${literal(expectation.pattern)})`),
      observe: 'values',
      expected: `${expectation.column} matches ${expectation.pattern}`,
      value,
    };
  }
  const shown = expectation.values.slice(0, shownChoices).join(', ');
  const left = expectation.values.length - shownChoices;
  return {
    ...onColumn(expectation, 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'),
    ...marked(`NOT (${isOneOf(value, expectation.values)})`),
    observe: 'values',
    expected: `${expectation.column} is one of ${shown}${left > 0 ? ` and ${left} more` : ''}`,
    value,
  };
}

/** TFDV tells whole numbers from others. */
const integerCodes = { below: 'INT_TYPE_SMALL_INT', above: 'INT_TYPE_BIG_INT' } as const;
const numberCodes = { below: 'FLOAT_TYPE_SMALL_FLOAT', above: 'FLOAT_TYPE_BIG_FLOAT' } as const;

/** One check for each bound that is given. DuckDB sorts NaN above all numbers: a minimum passes it by, a maximum has to leave it out. */
export function boundChecks(expectation: Of<'between'>, type: ColumnType): readonly RowCheck[] {
  const { min, max, column } = expectation;
  const value = exactNumberSql(column, type);
  const raw = rawNumberSql(column, type);
  const codes = type === 'integer' ? integerCodes : numberCodes;
  const low: RowCheck[] =
    min === undefined
      ? []
      : [
          {
            ...onColumn(expectation, codes.below),
            observe: 'smallest',
            expected: `${column} at least ${min}`,
            bad: `${raw} < ${numberLiteral(min)}`,
            value,
            probe: { sql: `min(${raw})`, min, max: null },
          },
        ];
  if (max === undefined) return low;
  const above = `${raw} > ${numberLiteral(max)}`;
  const bad = type === 'integer' ? above : `${above} AND NOT isnan(${raw})`;
  const high: RowCheck = {
    ...onColumn(expectation, codes.above),
    observe: 'largest',
    expected: `${column} at most ${max}`,
    bad,
    value,
    probe: type === 'integer' ? { sql: `max(${raw})`, min: null, max } : { sql: `count_if(${bad})`, min: null, max: 0 },
  };
  return [...low, high];
}

/** The author's SQL is false; the line break ends a comment of his. */
export function conditionCheck(expectation: Of<'condition'>): RowCheck {
  return {
    kind: 'rows',
    code: 'CONDITION_NOT_MET',
    column: null,
    label: expectation.name,
    severity: expectation.severity ?? 'block',
    observe: 'rows',
    expected: `${expectation.name}: ${expectation.sql}`,
    value: 'NULL',
    ...marked(`NOT (${expectation.sql}\n)`),
  };
}

/**
 * True where the value is in the list, null where it is null. DuckDB asks `list_contains` once for each entry of a Parquet dictionary, but
 * walks the list for each; a long list is joined instead. IN itself compares every row with every entry: 50 times as slow at 300.
 */
function isOneOf(value: string, values: readonly string[]): string {
  const list = `CAST([${values.map(literal).join(', ')}] AS VARCHAR[])`;
  return values.length <= longestWalked ? `list_contains(${list}, ${value})` : `${value} IN (SELECT unnest(${list}))`;
}

function marked(bad: string): Pick<RowCheck, 'bad' | 'probe'> {
  return { bad, probe: { sql: `count_if(${bad})`, min: null, max: 0 } };
}

function onColumn(
  expectation: Extract<Expectation, { readonly column: string }>,
  code: RowCheck['code'],
): Pick<RowCheck, 'kind' | 'code' | 'column' | 'label' | 'severity'> {
  const { column, severity = 'block' } = expectation;
  return { kind: 'rows', code, column, label: column, severity };
}
