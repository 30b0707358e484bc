import type { Expectation } from '../../domain/expectation.ts';
import type { Violation } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import type { ValueCheck } from './check.ts';
import { rowsSql } from './scan.ts';
import { shownNumber, shownText } from './shown.ts';
import { hasColumns, unionType } from './structure-checks.ts';
import { numberLiteral, readsAsNumber } from './typed-sql.ts';
import { countCheck, numberCheck } from './value-checks.ts';

type Grouped = { readonly per: string; readonly check: ValueCheck };

const groupsTable = identifier('perdura groups');
const shownGroups = 5;

/**
 * Holds what is said `per` value of another column: one further statement for each such column, however many expectations share it. Rows
 * without a value there are a group too. Groups stay in DuckDB, which spills; only the broken ones that are shown leave it.
 */
export async function groupedViolations(
  tables: Tables,
  about: { readonly layout: Layout; readonly rows: number },
  expectations: readonly Expectation[],
): Promise<readonly Violation[]> {
  const all = expectations.flatMap((expectation) => groupedCheck(expectation, about));
  const violations: Violation[] = [];
  for (const per of new Set(all.map((grouped) => grouped.per))) {
    const checks = all.filter((grouped) => grouped.per === per).map(({ check }) => check);
    violations.push(...(await violationsPer(tables, about.layout, { per, checks })));
  }
  return violations;
}

function groupedCheck(
  expectation: Expectation,
  { layout, rows }: { readonly layout: Layout; readonly rows: number },
): readonly Grouped[] {
  if (!('per' in expectation) || expectation.per === undefined || !hasColumns(layout, [expectation.per])) return [];
  const { per } = expectation;
  if (expectation.kind === 'rowCount') return [{ per, check: countCheck(expectation) }];
  const type = unionType(layout, expectation.column);
  return type === null || !readsAsNumber(type) ? [] : [{ per, check: numberCheck(expectation, type, rows) }];
}

async function violationsPer(
  tables: Tables,
  layout: Layout,
  { per, checks }: { readonly per: string; readonly checks: readonly ValueCheck[] },
): Promise<readonly Violation[]> {
  const values = checks.map(({ probe }, index) => `${probe.sql} AS v${index}`);
  await tables.all(
    `CREATE OR REPLACE TEMP TABLE ${groupsTable} AS
     SELECT CAST(${identifier(per)} AS VARCHAR) AS name, ${values.join(', ')} FROM ${rowsSql(layout)} GROUP BY 1`,
  );
  const violations: Violation[] = [];
  for (const [index, check] of checks.entries()) {
    const violation = await brokenGroups(tables, check, `v${index}`);
    if (violation !== null) violations.push(violation);
  }
  await tables.all(`DROP TABLE ${groupsTable}`);
  return violations;
}

/** A group without any value breaks its bounds, as a table without any does. */
async function brokenGroups(tables: Tables, check: ValueCheck, value: string): Promise<Violation | null> {
  const { min, max } = check.probe;
  const below =
    min === null ? 'false' : `coalesce(${value} < ${numberLiteral(min)} OR isnan(CAST(${value} AS DOUBLE)), true)`;
  const above = max === null ? 'false' : `coalesce(${value} > ${numberLiteral(max)}, true)`;
  const groups = await tables.all(
    `SELECT name, CAST(${value} AS DOUBLE) AS value, ${below} AS low, count(*) OVER () AS broken
     FROM ${groupsTable} WHERE ${below} OR ${above} ORDER BY name LIMIT ${shownGroups}`,
  );
  const [first] = groups;
  if (first === undefined) return null;
  const count = Number(first['broken']);
  const shown = groups.map((group) => `${shownText(group['name'])} has ${shownNumber(group['value'])}`).join(', ');
  return {
    code: groups.some((group) => group['low'] === true) ? check.below : check.above,
    severity: check.severity,
    column: check.column,
    count,
    expected: check.expected,
    observed: count > groups.length ? `${shown} and ${count - groups.length} more` : shown,
    samples: [],
  };
}
