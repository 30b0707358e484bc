import { durationMs } from '../../domain/duration.ts';
import type { Bounds, Expectation, ViolationCode } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { Check, ValueCheck } from './check.ts';
import { exactNumberSql, newestSql, numberSql } from './typed-sql.ts';

type Of<Kind extends Expectation['kind']> = Extract<Expectation, { readonly kind: Kind }>;
/** Expectations on one number that a column has as a whole. */
export type OnNumber = Of<'quantileBetween'> | Of<'meanBetween'> | Of<'sumBetween'>;

/** From this many rows on, quantiles are taken of every n-th row, so that memory stays bounded: 16 million values are 128 MB. */
const quantileRows = 16_000_000;

const codes: Readonly<Record<OnNumber['kind'], ViolationCode>> = {
  quantileBetween: 'QUANTILE_OUT_OF_RANGE',
  meanBetween: 'MEAN_OUT_OF_RANGE',
  sumBetween: 'SUM_OUT_OF_RANGE',
};

/** `at least 0`, `at most 6000`, `between 0 and 6000`. */
export function rangeText({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return `between ${min} and ${max}`;
  return min === undefined ? `at most ${max}` : `at least ${min}`;
}

/** A quantile, mean or sum of a column against its bounds; of a value of `per` where it is given. */
export function numberCheck(expectation: OnNumber, type: ColumnType, rows: number): ValueCheck {
  const { column } = expectation;
  const code = codes[expectation.kind];
  return {
    kind: 'value',
    column,
    label: column,
    severity: expectation.severity ?? 'block',
    expected: `${nameOf(expectation)} of ${column} ${rangeText(expectation)}${perText(expectation)}`,
    probe: { sql: aggregateSql(expectation, type, rows), ...bounds(expectation) },
    show: 'number',
    below: code,
    above: code,
  };
}

/** The number of rows against its bounds. */
export function countCheck(expectation: Of<'rowCount'>): ValueCheck {
  return {
    ...onTable(expectation),
    expected: `rows ${rangeText(expectation)}${perText(expectation)}`,
    probe: { sql: 'count(*)', ...bounds(expectation) },
    below: 'DATASET_LOW_NUM_EXAMPLES',
    above: 'DATASET_HIGH_NUM_EXAMPLES',
  };
}

/** Rows against those of the snapshot before; without one the lack is named, because silence would pass as agreement. */
export function volumeChecks(expectation: Of<'volume'>, previousRows: number | null): readonly Check[] {
  const expected = `rows ${rangeText(expectation)} times those of the snapshot before`;
  if (previousRows === null || previousRows === 0) {
    const observed = previousRows === null ? 'there is no snapshot before' : 'the snapshot before has no rows';
    const { column, label, severity } = onTable(expectation);
    const lack = { code: 'COMPARATOR_CONTROL_DATA_MISSING', count: 1, observed, bad: null } as const;
    return [{ kind: 'structure', column, label, severity, expected, ...lack }];
  }
  return [
    {
      ...onTable(expectation),
      expected: `${expected} (${previousRows})`,
      probe: { sql: `count(*) / ${previousRows}`, ...bounds(expectation) },
      below: 'COMPARATOR_LOW_NUM_EXAMPLES',
      above: 'COMPARATOR_HIGH_NUM_EXAMPLES',
    },
  ];
}

/** The newest time against now. */
export function freshnessCheck(expectation: Of<'fresh'>, type: ColumnType, now: string): ValueCheck {
  const oldest = Date.parse(now) - durationMs(expectation.within);
  return {
    kind: 'value',
    column: expectation.column,
    label: expectation.column,
    severity: expectation.severity ?? 'block',
    expected: `newest ${expectation.column} no older than ${expectation.within}`,
    probe: { sql: newestSql(expectation.column, type, now), min: oldest, max: null },
    show: 'time',
    below: 'NOT_FRESH',
    above: 'NOT_FRESH',
  };
}

function aggregateSql(expectation: OnNumber, type: ColumnType, rows: number): string {
  switch (expectation.kind) {
    case 'meanBetween':
      return `avg(${numberSql(expectation.column, type)})`;
    case 'sumBetween':
      return `sum(${exactNumberSql(expectation.column, type)})`;
    case 'quantileBetween': {
      const every = Math.ceil(rows / quantileRows);
      const part = every > 1 ? ` FILTER (WHERE file_row_number % ${every} = 0)` : '';
      return `quantile_disc(${numberSql(expectation.column, type)}, ${expectation.quantile})${part}`;
    }
    default:
      return expectation satisfies never;
  }
}

function nameOf(expectation: OnNumber): string {
  switch (expectation.kind) {
    case 'meanBetween':
      return 'mean';
    case 'sumBetween':
      return 'sum';
    case 'quantileBetween':
      return `${expectation.quantile} quantile`;
    default:
      return expectation satisfies never;
  }
}

function perText({ per }: { readonly per?: string }): string {
  return per === undefined ? '' : ` in each ${per}`;
}

function bounds({ min, max }: Bounds): { readonly min: number | null; readonly max: number | null } {
  return { min: min ?? null, max: max ?? null };
}

function onTable({
  severity = 'block',
}: Of<'rowCount'> | Of<'volume'>): Pick<ValueCheck, 'kind' | 'column' | 'label' | 'severity' | 'show'> {
  return { kind: 'value', column: null, label: 'rows', severity, show: 'number' };
}
