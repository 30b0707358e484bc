import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import type { LoadedChecks } from '../../domain/row-checks.ts';
import type { Snapshot, SnapshotReference } from '../../domain/snapshot.ts';
import type { ColumnPicture, GateFindings, ValidationReport } from '../../domain/validation-report.ts';
import { localParquet } from '../../stores/data-files.ts';
import { sha256Hex } from '../../stores/digest.ts';
import type { LocalFile } from '../../stores/snapshots/describe-files.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import { readStatistics } from '../../stores/snapshots/statistics.ts';
import type { DataActivities } from '../data/contract.ts';
import type { DataDependencies } from '../data/dependencies.ts';
import { beating, inWorkArea, rowsText, type WorkArea } from '../data/work-area.ts';
import { accept, acceptedBefore } from './accepted-branch.ts';
import { checkFiles, type CheckedFiles } from './check-files.ts';
import { sealCleanRest } from './clean-rest.ts';
import { findReference, findReferenceFiles } from './find-references.ts';
import { keepInQuarantine } from './quarantine.ts';
import { keepReport } from './report/objects.ts';

type Request = Parameters<DataActivities['validateData']>[0];

/** One check under way. */
type Gate = {
  readonly request: Request;
  readonly environment: string;
  readonly now: string;
  readonly snapshot: Snapshot;
  readonly files: readonly LocalFile[];
  readonly previous: SnapshotReference | null;
  readonly checks: LoadedChecks | null;
  readonly area: WorkArea;
  /** Names what is asked: snapshot, schema, environment, and the code of row functions. */
  readonly identity: string;
};

const defaultEnvironment = 'training';

/**
 * Holds a snapshot against a schema: see `checkFiles` for how. Bad rows go to quarantine; where the decision is `quarantine` the clean rest is
 * sealed; what goes on becomes the dataset's `accepted`. Bad data is a decision, not an error. Idempotent: all of it follows from snapshot,
 * schema and what was accepted before, and what an attempt has written stays.
 *
 * @throws CodedError INPUT_INVALID when the schema is for another dataset or unsound; CHECKS_INVALID for a row function; DATA_UNREADABLE,
 * EVIDENCE_ALTERED as reading does.
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
  const previous = await acceptedBefore(deps, request.snapshot);
  const checks = request.pipeline === undefined ? null : await deps.rowChecks(request.pipeline);
  const environment = request.environment ?? defaultEnvironment;
  const identity = identityOf(request, environment, checks);
  return inWorkArea(deps.cacheFolder, (area) =>
    report(deps, { request, environment, now: deps.now(), snapshot, files, previous, checks, area, identity }),
  );
}

/** The usual case has the digest that it always had, so that what is in quarantine already stays where it is. */
function identityOf({ snapshot, schema }: Request, environment: string, checks: LoadedChecks | null): string {
  return sha256Hex(
    canonicalJson({
      snapshot,
      schema,
      ...(environment === defaultEnvironment ? {} : { environment }),
      ...(checks === null ? {} : { checks: checks.sha256 }),
    }),
  );
}

async function fetchFiles(deps: DataDependencies, snapshot: Snapshot): Promise<readonly LocalFile[]> {
  const files: LocalFile[] = [];
  for (const file of snapshot.files) {
    const path = await beating(deps.heartbeat, `fetching ${file.key}`, () => localParquet(deps, file, snapshot));
    files.push({ key: file.key, path });
  }
  return files;
}

async function report(deps: DataDependencies, gate: Gate): Promise<ValidationReport> {
  const { request, snapshot } = gate;
  const checked = await beating(deps.heartbeat, `checking ${rowsText(snapshot.rows)}`, () => check(deps, gate));
  const { bad, layout: _, pictures, ...findings } = checked;
  const question = { dataset: snapshot.dataset, snapshot, identity: gate.identity };
  const quarantine =
    bad === null
      ? null
      : await beating(deps.heartbeat, 'writing bad rows to quarantine', () =>
          keepInQuarantine(deps, question, { bad, folder: gate.area.folder }),
        );
  const accepted = await goesOn(deps, gate, checked);
  if (accepted !== null) await accept(deps, request.snapshot, { accepted, findings });
  deps.heartbeat(`checked ${rowsText(findings.rows)}, ${findings.violations.length} violations`);
  const { environment, identity } = gate;
  return keepReport(
    deps.store,
    { ...findings, snapshot: request.snapshot, environment, accepted, quarantine },
    { identity, checkedAt: gate.now, pictures: await allPictures(deps, gate, pictures) },
  );
}

async function check(deps: DataDependencies, gate: Gate): Promise<CheckedFiles> {
  const { snapshot, area, previous, now } = gate;
  const lookUp = { dataset: snapshot.dataset, columns: snapshot.columns, previous, now };
  return checkFiles(area.tables, {
    files: gate.files,
    schema: gate.request.schema,
    environment: gate.environment,
    now,
    previousRows: previous?.rows ?? null,
    reference: (against) => findReference(deps, area, { ...lookUp, against }),
    referenceFiles: (name) => findReferenceFiles(deps, name),
    rowChecks: gate.checks?.checks ?? null,
    folder: area.folder,
  });
}

async function goesOn(
  deps: DataDependencies,
  gate: Gate,
  { decision, bad }: Pick<GateFindings, 'decision'> & Pick<CheckedFiles, 'bad'>,
): Promise<SnapshotReference | null> {
  const { snapshot, identity, files, area } = gate;
  const reference = gate.request.snapshot;
  if (decision === 'block') return null;
  if (decision !== 'quarantine' || bad === null) return reference;
  return beating(deps.heartbeat, 'sealing the clean rest', () =>
    sealCleanRest(
      deps,
      { dataset: snapshot.dataset, snapshot, identity, reference },
      { bad, files, folder: area.folder },
    ),
  );
}

/** Columns that the gate compared as it saw them, the others as the snapshot's own statistics have them. */
async function allPictures(
  deps: DataDependencies,
  { request, previous }: Gate,
  compared: readonly ColumnPicture[],
): Promise<readonly ColumnPicture[]> {
  const own = await readStatistics(deps.store, request.snapshot);
  const before = previous === null ? null : await readStatistics(deps.store, previous);
  const beside = before !== null && before.edgesFrom === own?.edgesFrom ? before.columns : {};
  const known = new Map(compared.map((picture) => [picture.column, picture]));
  const others = Object.entries(own?.columns ?? {})
    .filter(([column]) => !known.has(column))
    .map(([column, current]) => ({
      column,
      current,
      reference: (Object.hasOwn(beside, column) ? beside[column] : null) ?? null,
    }));
  return [...compared, ...others];
}
