import type { Expectation } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import type { Check } from './check.ts';
import { boundChecks, conditionCheck, presenceCheck, textCheck } from './row-checks.ts';
import { structureChecks, unionType } from './structure-checks.ts';
import { readsAsNumber } from './typed-sql.ts';
import { countCheck, freshnessCheck, numberCheck, volumeChecks } from './value-checks.ts';

/** What the expectations are held against beside the data: how many rows there are, and were before; ISO 8601. */
export type Surroundings = { readonly rows: number; readonly previousRows: number | null; readonly now: string };

/**
 * Turns expectations into checks of one scan over all files. What the headers alone tell (a column that a file lacks, a type that does not
 * fit) becomes one broken check a column; every expectation on such a column is still checked where the column can be read as asked.
 *
 * NaN is a missing value: `notNull` marks it, bounds, quantiles and means leave it out. Infinities are numbers beyond any bound.
 *
 * What is not told by one pass has no check here and a statement of its own: `monotonic`, `references`, `rowFunction`, and whatever is
 * held `per` value of another column. Drift and `unique` are counted in the same pass and judged afterwards.
 */
export function compileExpectations(
  expectations: readonly Expectation[],
  layout: Layout,
  surroundings: Surroundings,
): readonly Check[] {
  return [
    ...structureChecks(expectations, layout),
    ...expectations.flatMap((expectation) => checksOf(expectation, layout, surroundings)),
  ];
}

function checksOf(expectation: Expectation, layout: Layout, surroundings: Surroundings): readonly Check[] {
  switch (expectation.kind) {
    case 'rowCount':
      return expectation.per === undefined ? [countCheck(expectation)] : [];
    case 'volume':
      return volumeChecks(expectation, surroundings.previousRows);
    case 'condition':
      return [conditionCheck(expectation)];
    case 'type':
    case 'onlyColumns':
    case 'unique':
    case 'rowFunction':
    case 'monotonic':
    case 'references':
    case 'drift':
      return [];
    case 'notNull':
    case 'oneOf':
    case 'matches':
    case 'between':
    case 'quantileBetween':
    case 'meanBetween':
    case 'sumBetween':
    case 'fresh': {
      const type = unionType(layout, expectation.column);
      return type === null ? [] : columnChecks(expectation, type, { layout, surroundings });
    }
    default:
      return expectation satisfies never;
  }
}

type OnValues = Extract<
  Expectation,
  {
    readonly kind:
      'notNull' | 'oneOf' | 'matches' | 'between' | 'quantileBetween' | 'meanBetween' | 'sumBetween' | 'fresh';
  }
>;

function columnChecks(
  expectation: OnValues,
  type: ColumnType,
  about: { readonly layout: Layout; readonly surroundings: Surroundings },
): readonly Check[] {
  switch (expectation.kind) {
    case 'notNull':
      return [presenceCheck(expectation, about.layout, type)];
    case 'oneOf':
    case 'matches':
      return [textCheck(expectation)];
    case 'between':
      return readsAsNumber(type) ? boundChecks(expectation, type) : [];
    case 'quantileBetween':
    case 'meanBetween':
    case 'sumBetween': {
      const whole = expectation.per === undefined && readsAsNumber(type);
      return whole ? [numberCheck(expectation, type, about.surroundings.rows)] : [];
    }
    case 'fresh':
      return type === 'timestamp' || type === 'string'
        ? [freshnessCheck(expectation, type, about.surroundings.now)]
        : [];
    default:
      return expectation satisfies never;
  }
}
