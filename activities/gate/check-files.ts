import type { DataSchema, Expectation } from '../../domain/expectation.ts';
import type { RowChecks } from '../../domain/row-checks.ts';
import type { ColumnPicture, GateFindings, Violation } from '../../domain/validation-report.ts';
import { describeFiles, type Layout, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import type { Tables } from '../../stores/tables.ts';
import { type BadRows, collectBadRows } from './bad-rows.ts';
import { type NumberedCheck, numbered } from './check.ts';
import { compileExpectations } from './compile-expectations.ts';
import { bindConditions, blameCondition } from './conditions.ts';
import { decide, heldIn } from './decide.ts';
import { distributionAggregates } from './distribution-scan.ts';
import { type FindReference, judgeDistributions, prepareComparisons } from './distributions.ts';
import { groupedViolations } from './grouped-checks.ts';
import { type ReferenceFiles, unknownValues } from './known-values.ts';
import { monotonicViolation } from './monotonic.ts';
import { refuseReserved } from './reserved-columns.ts';
import { runRowFunctions } from './row-functions.ts';
import { markingChecks, rowsSql, scan, type ScanResult } from './scan.ts';
import { requireSoundSchema } from './sound-schema.ts';
import { uniqueAggregates } from './unique-scan.ts';
import { duplicateRows } from './uniqueness.ts';
import { violationsOf } from './violations.ts';

/** What the gate is asked. `now` is ISO 8601; `previousRows` are those of the snapshot before, null where there is none. */
export type GateWork = {
  readonly files: readonly LocalFile[];
  readonly schema: DataSchema;
  readonly environment: string;
  readonly now: string;
  readonly previousRows: number | null;
  readonly reference: FindReference;
  readonly referenceFiles: ReferenceFiles;
  readonly rowChecks: RowChecks | null;
  /** Scratch files; removed by whoever made it. */
  readonly folder: string;
};

/** What the gate found, the rows that are bad (null: none), and the columns that were compared. */
export type CheckedFiles = GateFindings & {
  readonly bad: BadRows | null;
  readonly layout: Layout;
  readonly pictures: readonly ColumnPicture[];
};

/**
 * Holds local files, read as one table, against a schema: one scan answers every expectation that one pass can answer, drift included;
 * a second one fetches the bad rows when there are any. `monotonic`, `references`, `rowFunction` and what is held `per` value take a
 * statement each, and so does `unique` where the scan found that rows repeat. It needs neither store nor Temporal. Bad data is a decision, not an error.
 *
 * @throws CodedError INPUT_INVALID when the schema is unsound; DATA_UNREADABLE naming the file; CHECKS_INVALID for a row function.
 */
export async function checkFiles(tables: Tables, work: GateWork): Promise<CheckedFiles> {
  await requireSoundSchema(tables, work.schema);
  const held = heldIn(work.schema, work.environment);
  const layout = await describeFiles(tables, work.files);
  refuseReserved(layout);
  const bound = await bindConditions(tables, layout, held);
  const [counted] = await tables.all(`SELECT count(*) AS n FROM ${rowsSql(layout)}`);
  const rows = Number(counted?.['n']);
  const surroundings = { rows, previousRows: work.previousRows, now: work.now };
  const checks = [...bound.missing, ...compileExpectations(bound.expectations, layout, surroundings)];
  const comparisons = await prepareComparisons(held, layout, work.reference);
  const more = [...distributionAggregates(comparisons.counted), ...(await uniqueAggregates(tables, layout, held))];
  const asked = { checks: numbered(checks), more };
  const result = await blaming(tables, { layout, held }, () => scan(tables, layout, asked));
  const functions = await runRowFunctions(tables, { layout, rowChecks: work.rowChecks, folder: work.folder }, held);
  const all = numbered([...checks, ...functions]);
  const bad = await badRowsOf(tables, layout, { all, result });
  const distributions = judgeDistributions(comparisons, result, work.schema.falseDiscoveryRate);
  const violations = [
    ...(await violationsOf(all, { result, bad })),
    ...(await furtherViolations(tables, { layout, result, work }, held)),
    ...distributions.violations,
  ];
  const facts = { rows, badRows: bad?.blocked ?? 0, expectations: held.length, violations };
  return {
    ...decide({ ...facts, quarantineUpTo: work.schema.quarantineUpTo ?? 0 }),
    ...facts,
    distributions: distributions.findings,
    bad,
    layout,
    pictures: distributions.pictures,
  };
}

async function blaming<T>(
  tables: Tables,
  { layout, held }: { readonly layout: Layout; readonly held: readonly Expectation[] },
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    await blameCondition(tables, { layout, failure: error }, held);
    throw error;
  }
}

async function badRowsOf(
  tables: Tables,
  layout: Layout,
  { all, result }: { readonly all: readonly NumberedCheck[]; readonly result: ScanResult },
): Promise<BadRows | null> {
  const marking = markingChecks(all, result);
  return marking.length === 0 ? null : collectBadRows(tables, layout, marking);
}

/** What one pass cannot answer. */
async function furtherViolations(
  tables: Tables,
  about: { readonly layout: Layout; readonly result: ScanResult; readonly work: GateWork },
  held: readonly Expectation[],
): Promise<readonly Violation[]> {
  const { layout, result } = about;
  const { referenceFiles } = about.work;
  const violations: Violation[] = [...(await groupedViolations(tables, { layout, rows: result.rows }, held))];
  const add = (found: Violation | null): void => void (found !== null && violations.push(found));
  for (const expectation of held) {
    if (expectation.kind === 'unique') add(await duplicateRows(tables, about, expectation));
    if (expectation.kind === 'monotonic') add(await monotonicViolation(tables, layout, expectation));
    if (expectation.kind === 'references') add(await unknownValues(tables, { layout, referenceFiles }, expectation));
  }
  return violations;
}
