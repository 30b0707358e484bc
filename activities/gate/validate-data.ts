import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { ValidationReport, Violation } from '../../domain/validation-report.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import type { Verdict } from '../../domain/verdict.ts';
import { localParquet } from '../../stores/data-files.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import type { Tables } from '../../stores/tables.ts';
import { type BadRows, collectBadRows, writeBadRows } from './bad-rows.ts';
import { numbered } from './check.ts';
import { compileExpectations } from './compile-expectations.ts';
import type { DataActivities } from '../data/contract.ts';
import type { DataDependencies } from '../data/dependencies.ts';
import { describeFiles, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import { keepInQuarantine } from './quarantine.ts';
import { scan } from './scan.ts';
import { requireSoundSchema } from './sound-schema.ts';
import { violationsOf } from './violations.ts';
import { beating, inWorkArea, rowsText, type WorkArea } from '../data/work-area.ts';

type Request = Parameters<DataActivities['validateData']>[0];

/**
 * Holds a snapshot against a schema: one scan answers every expectation, a second one fetches the bad rows when there are any. Bad data
 * is a verdict, not an error. Idempotent: the report and its quarantine follow from snapshot and schema alone.
 *
 * @throws CodedError INPUT_INVALID when the schema is for another dataset or unsound; DATA_UNREADABLE, EVIDENCE_ALTERED as reading does.
 */
export async function validateData(deps: DataDependencies, request: Request): Promise<ValidationReport> {
  if (request.schema.dataset !== request.snapshot.dataset) {
    throw new CodedError(
      'INPUT_INVALID',
      `The schema is for dataset ${request.schema.dataset}, the snapshot of ${request.snapshot.dataset}. Use the schema of the same dataset.`,
    );
  }
  const snapshot = await readSnapshot(deps.store, request.snapshot);
  const files = await fetchFiles(deps, snapshot);
  return inWorkArea(deps.cacheFolder, (area) => report(deps, { request, files, area }));
}

async function fetchFiles(deps: DataDependencies, snapshot: Snapshot): Promise<readonly LocalFile[]> {
  const files: LocalFile[] = [];
  for (const file of snapshot.files) {
    const path = await beating(deps.heartbeat, `fetching ${file.key}`, () => localParquet(deps, file));
    files.push({ key: file.key, path });
  }
  return files;
}

async function report(
  deps: DataDependencies,
  work: { readonly request: Request; readonly files: readonly LocalFile[]; readonly area: WorkArea },
): Promise<ValidationReport> {
  const { snapshot, schema } = work.request;
  const { tables, folder } = work.area;
  await requireSoundSchema(tables, schema);
  const layout = await describeFiles(tables, work.files);
  const checks = numbered(compileExpectations(schema.expectations, layout, snapshot.rows));
  const result = await beating(deps.heartbeat, `checking ${rowsText(snapshot.rows)}`, () =>
    scan(tables, layout, checks),
  );
  const marking = checks.filter(({ mark }) => (result.found.get(mark)?.marked ?? 0) > 0);
  const bad = marking.length === 0 ? null : await collected(deps, tables, { layout, checks: marking });
  const violations = await violationsOf(checks, result, bad);
  const quarantine = bad === null ? null : await quarantined(deps, work.request, { bad, folder });
  deps.heartbeat(`checked ${rowsText(result.rows)}, ${violations.length} violations`);
  const expectations = schema.expectations.length;
  const verdict = verdictOf({ violations, expectations, rows: result.rows });
  return { snapshot, verdict, rows: result.rows, expectations, violations, quarantine };
}

async function collected(
  deps: DataDependencies,
  tables: Tables,
  found: Pick<BadRows, 'layout' | 'checks'>,
): Promise<BadRows> {
  return beating(deps.heartbeat, 'collecting bad rows', () => collectBadRows(tables, found.layout, found.checks));
}

async function quarantined(
  deps: DataDependencies,
  question: Request,
  found: { readonly bad: BadRows; readonly folder: string },
): Promise<ValidationReport['quarantine']> {
  const path = join(found.folder, 'bad-rows.parquet');
  return beating(deps.heartbeat, 'writing bad rows to quarantine', async () => {
    const rows = await writeBadRows(found.bad, path);
    return keepInQuarantine(deps.store, { snapshot: question.snapshot, schema: question.schema }, { path, rows });
  });
}

/** What is broken fails; but where nothing was asked, or there was no row to ask about, nothing passes. */
function verdictOf(facts: {
  readonly violations: readonly Violation[];
  readonly expectations: number;
  readonly rows: number;
}): Verdict {
  if (facts.violations.some((violation) => violation.severity === 'block')) return 'fail';
  return facts.expectations === 0 || facts.rows === 0 ? 'inconclusive' : 'pass';
}
