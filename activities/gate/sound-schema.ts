import { durationMs } from '../../domain/duration.ts';
import { CodedError } from '../../domain/errors.ts';
import type { DataSchema, Expectation } from '../../domain/expectation.ts';
import { literal, type Tables } from '../../stores/tables.ts';
import { needsOrder, orderText } from './ordered-statistics.ts';
import { shapeProblems } from './schema-shape.ts';

/**
 * Refuses expectations that no data could answer, all at once: silence about them would pass as agreement.
 *
 * @throws CodedError INPUT_INVALID listing every unsound expectation.
 */
export async function requireSoundSchema(tables: Tables, schema: DataSchema): Promise<void> {
  refuse(schema, shapeProblems(schema));
  const problems: string[] = [];
  for (const [name, share] of Object.entries(sharesOf(schema))) {
    if (!(share >= 0 && share < 1)) problems.push(`${name}: ${share} is no share from 0 to below 1`);
  }
  for (const expectation of schema.expectations) {
    const problem =
      problemOf(expectation) ?? orderProblem(expectation, schema) ?? (await patternProblem(tables, expectation));
    if (problem !== null) problems.push(`${nameOf(expectation)}: ${problem}`);
  }
  refuse(schema, problems);
}

function refuse(schema: DataSchema, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new CodedError(
    'INPUT_INVALID',
    `The schema of ${schema.dataset} does not hold up: ${problems.join('; ')}. Correct its expectations.`,
    { details: { problems } },
  );
}

/** An expectation's name towards people: its kind and what it is about. */
export function nameOf(expectation: Expectation): string {
  if ('column' in expectation) return `${expectation.kind} of ${expectation.column}`;
  return 'name' in expectation ? `${expectation.kind} ${expectation.name}` : expectation.kind;
}

function sharesOf({ quarantineUpTo, falseDiscoveryRate }: DataSchema): Readonly<Record<string, number>> {
  return {
    ...(quarantineUpTo === undefined ? {} : { quarantineUpTo }),
    ...(falseDiscoveryRate === undefined ? {} : { falseDiscoveryRate }),
  };
}

function problemOf(expectation: Expectation): string | null {
  switch (expectation.kind) {
    case 'between':
    case 'meanBetween':
    case 'sumBetween':
    case 'rowCount':
    case 'volume':
      return boundsProblem(expectation);
    case 'quantileBetween': {
      const inside = expectation.quantile >= 0 && expectation.quantile <= 1;
      return inside ? boundsProblem(expectation) : `quantile ${expectation.quantile} is not between 0 and 1`;
    }
    case 'oneOf':
      return expectation.values.length === 0 ? 'no value is allowed' : null;
    case 'onlyColumns':
      return expectation.columns.length === 0 ? 'no column is allowed' : null;
    case 'unique':
    case 'rowFunction':
      return expectation.columns.length === 0 ? 'no column is named' : null;
    case 'fresh':
      return durationProblem(() => durationMs(expectation.within));
    case 'drift':
      return driftProblem(expectation);
    case 'type':
    case 'notNull':
    case 'matches':
    case 'condition':
    case 'monotonic':
    case 'references':
      return null;
    default:
      return expectation satisfies never;
  }
}

function boundsProblem({ min, max }: { readonly min?: number; readonly max?: number }): string | null {
  if (min === undefined && max === undefined) return 'neither min nor max is given';
  if (Number.isNaN(min ?? 0) || Number.isNaN(max ?? 0)) return 'NaN is no bound';
  return min !== undefined && max !== undefined && min > max ? `min ${min} is above max ${max}` : null;
}

function driftProblem({ atMost, against }: Extract<Expectation, { readonly kind: 'drift' }>): string | null {
  if (!(atMost >= 0)) return `atMost ${atMost} is no number from 0`;
  return typeof against === 'object' && 'since' in against ? durationProblem(() => durationMs(against.since)) : null;
}

/** What the schema itself says about the column's type; where it says nothing, the reference tells (see `distributions.ts`). */
function orderProblem(expectation: Expectation, { expectations }: DataSchema): string | null {
  if (expectation.kind !== 'drift') return null;
  const { column, statistic } = expectation;
  const said = expectations.find((other) => other.kind === 'type' && other.column === column);
  if (said?.kind !== 'type' || !needsOrder(statistic)) return null;
  return said.type === 'string' || said.type === 'boolean' ? orderText(statistic, said.type) : null;
}

function durationProblem(read: () => number): string | null {
  try {
    read();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function patternProblem(tables: Tables, expectation: Expectation): Promise<string | null> {
  if (expectation.kind !== 'matches') return null;
  return tables.all(`SELECT regexp_full_match('', ${literal(expectation.pattern)})`).then(
    () => null,
    (error: unknown) =>
      `'${expectation.pattern}' is no RE2 pattern (${error instanceof Error ? error.message : String(error)})`,
  );
}
