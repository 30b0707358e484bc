import { CodedError } from '../../domain/errors.ts';
import type { Expectation } from '../../domain/expectation.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import type { StructureCheck } from './check.ts';
import { rowsSql } from './scan.ts';
import { missingColumn } from './structure-checks.ts';

type Condition = Extract<Expectation, { readonly kind: 'condition' }>;

const resultColumn = 'perdura condition';
/** What DuckDB calls a value that an expression cannot take; a full memory or disk is no fault of an expression. */
const rowFault = /^(Conversion|Invalid Input|Out of Range|Division) Error/i;
const unknownColumn = /Referenced column "((?:[^"]|"")+)" not found/;

/** Expectations whose SQL the data can answer, and what is missing for the others. */
export type BoundConditions = {
  readonly expectations: readonly Expectation[];
  readonly missing: readonly StructureCheck[];
};

/**
 * Binds the SQL of each condition to the data's columns, without reading rows. One that names a column which the data lacks is a missing
 * column like any other.
 *
 * @throws CodedError INPUT_INVALID when the SQL is not one true-or-false expression over a row.
 */
export async function bindConditions(
  tables: Tables,
  layout: Layout,
  expectations: readonly Expectation[],
): Promise<BoundConditions> {
  const bound: Expectation[] = [];
  const missing: StructureCheck[] = [];
  for (const expectation of expectations) {
    const lacking = expectation.kind === 'condition' ? await bind(tables, layout, expectation) : null;
    if (lacking === null) bound.push(expectation);
    else missing.push(...missingColumn(lacking, [expectation], layout));
  }
  return { expectations: bound, missing };
}

/**
 * Finds the condition that made a scan fail: a cast or a division that some row does not allow.
 *
 * @throws CodedError INPUT_INVALID naming it; else returns.
 */
export async function blameCondition(
  tables: Tables,
  about: { readonly layout: Layout; readonly failure: unknown },
  expectations: readonly Expectation[],
): Promise<void> {
  const { layout, failure } = about;
  for (const expectation of expectations) {
    if (expectation.kind !== 'condition' || !rowFault.test(messageOf(failure))) continue;
    await tables.all(`SELECT count_if((${expectation.sql}\n)) FROM ${rowsSql(layout)}`).catch((error: unknown) => {
      throw unsound(expectation, `cannot be computed for every row (${messageOf(error)}). Use TRY_CAST or TRY(…)`);
    });
  }
}

/** The name of the column that the data lacks; null when all are there. */
async function bind(tables: Tables, layout: Layout, condition: Condition): Promise<string | null> {
  const paths = `DESCRIBE SELECT *, (${condition.sql}\n) AS ${identifier(resultColumn)} FROM ${rowsSql(layout)}`;
  const described = await tables.all(paths).catch((error: unknown) => {
    const name = unknownColumn.exec(messageOf(error))?.[1]?.replaceAll('""', '"');
    if (name !== undefined) return name;
    throw unsound(condition, `is no SQL expression over a row (${messageOf(error)})`);
  });
  if (typeof described === 'string') return described;
  // `*` is the data's columns, file and row: one more is what was asked.
  const own = described.slice(layout.columns.length + 2);
  if (own.length !== 1) throw unsound(condition, 'is more than one expression');
  const type = String(own[0]?.['column_type']);
  if (type !== 'BOOLEAN' && type !== '"NULL"') throw unsound(condition, `gives ${type}, not true or false`);
  // A window over other rows is an expression, too, and no condition of one row.
  await tables.all(`DESCRIBE SELECT 1 FROM ${rowsSql(layout)} WHERE (${condition.sql}\n)`).catch((error: unknown) => {
    throw unsound(condition, `is no SQL expression over a row (${messageOf(error)})`);
  });
  return null;
}

function unsound(condition: Condition, what: string): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `Condition '${condition.name}' (${condition.sql}) ${what}. Correct it in the schema.`,
    { details: { condition: condition.name, sql: condition.sql } },
  );
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
