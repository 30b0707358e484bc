import { CodedError } from '../../domain/errors.ts';
import type { DataSchema, Expectation } from '../../domain/expectation.ts';
import { literal, type Tables } from '../../stores/tables.ts';

/**
 * Refuses expectations that no data could answer, all at once: silence about them would pass as agreement.
 *
 * @throws CodedError INPUT_INVALID listing every unsound expectation.
 */
export async function requireSoundSchema(tables: Tables, schema: DataSchema): Promise<void> {
  const problems: string[] = [];
  for (const expectation of schema.expectations) {
    const problem = problemOf(expectation) ?? (await patternProblem(tables, expectation));
    if (problem !== null) problems.push(`${nameOf(expectation)}: ${problem}`);
  }
  if (problems.length === 0) return;
  throw new CodedError(
    'INPUT_INVALID',
    `The schema of ${schema.dataset} does not hold up: ${problems.join('; ')}. Correct its expectations.`,
    { details: { problems } },
  );
}

function problemOf(expectation: Expectation): string | null {
  switch (expectation.kind) {
    case 'between':
    case 'meanBetween':
    case 'rowCount':
      return boundsProblem(expectation);
    case 'quantileBetween': {
      const inside = expectation.quantile >= 0 && expectation.quantile <= 1;
      return inside ? boundsProblem(expectation) : `quantile ${expectation.quantile} is not between 0 and 1`;
    }
    case 'oneOf':
      return expectation.values.length === 0 ? 'no value is allowed' : null;
    case 'type':
    case 'notNull':
    case 'matches':
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

async function patternProblem(tables: Tables, expectation: Expectation): Promise<string | null> {
  if (expectation.kind !== 'matches') return null;
  return tables.all(`SELECT regexp_full_match('', ${literal(expectation.pattern)})`).then(
    () => null,
    (error: unknown) =>
      `'${expectation.pattern}' is no RE2 pattern (${error instanceof Error ? error.message : String(error)})`,
  );
}

function nameOf(expectation: Expectation): string {
  return expectation.kind === 'rowCount' ? expectation.kind : `${expectation.kind} of ${expectation.column}`;
}
