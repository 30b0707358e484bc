import { nextDataVersion } from '../../domain/data-version.ts';
import type { SnapshotHistory } from '../../domain/snapshot-history.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import type { GateFindings } from '../../domain/validation-report.ts';
import { dataVersionOf } from '../../stores/snapshots/history-lookup.ts';
import { moveBranch, readHistory } from '../../stores/snapshots/history.ts';
import { readManifest } from '../../stores/snapshots/manifest.ts';
import type { DataDependencies } from '../data/dependencies.ts';

/** The branch that the gate moves to what it lets on; see docs/decisions/0011-the-gate.md for why it is not `latest`. */
export const acceptedBranch = 'accepted';

/**
 * What `previous` means for a snapshot: what the gate let on before it. A snapshot that was accepted once meets the same reference again,
 * however often it is looked at; null for the first of a dataset.
 */
export async function acceptedBefore(
  deps: Pick<DataDependencies, 'store'>,
  { dataset, digest }: SnapshotReference,
): Promise<SnapshotReference | null> {
  const history = await readHistory(deps.store, dataset);
  const before = history === null ? null : standingBefore(history, digest);
  if (before === null) return null;
  const { rows } = await readManifest(deps.store, { dataset, digest: before });
  return { dataset, digest: before, rows };
}

/**
 * Moves `accepted` to what goes on: the snapshot, or its clean rest. Idempotent: a snapshot moves it once to the same rest, so that an old
 * one that is looked at again does not become the newest.
 */
export async function accept(
  deps: DataDependencies,
  checked: SnapshotReference,
  outcome: { readonly accepted: SnapshotReference; readonly findings: GateFindings },
): Promise<void> {
  const { dataset, digest } = outcome.accepted;
  const history = await readHistory(deps.store, dataset);
  const own = history === null ? null : dataVersionOf(history, digest);
  const source = history === null ? null : dataVersionOf(history, checked.digest);
  const { decision, badRows } = outcome.findings;
  const whole = digest === checked.digest;
  await moveBranch(deps.store, {
    dataset,
    branch: acceptedBranch,
    to: digest,
    event: 'accepted',
    entryId: entryOf(checked.digest, digest),
    at: deps.now(),
    who: deps.who(),
    why: `the gate decided ${decision}`,
    dataVersion: own ?? nextDataVersion(source, whole ? 'none' : 'patch'),
    reasons: whole
      ? ['all rows were accepted']
      : [`${badRows} bad rows were left out of ${source ?? checked.digest.slice(0, 12)}`],
  });
}

function standingBefore({ entries, branches }: SnapshotHistory, digest: string): string | null {
  const own = entries.find(
    ({ event, entryId, to }) => event === 'accepted' && (entryId.startsWith(entryOf(digest, '')) || to === digest),
  );
  return own === undefined ? (branches[acceptedBranch]?.digest ?? null) : own.from;
}

function entryOf(checked: string, accepted: string): string {
  return `accepted/${checked}/${accepted}`;
}
