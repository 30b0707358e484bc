import { randomUUID } from 'node:crypto';
import { nextDataVersion } from '../../domain/data-version.ts';
import { isCoded } from '../../domain/errors.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { compareManifests } from '../../stores/snapshots/diff.ts';
import { dataVersionOf, mainBranch, ofName } from '../../stores/snapshots/history-lookup.ts';
import { moveBranch, readHistory } from '../../stores/snapshots/history.ts';
import { readManifest } from '../../stores/snapshots/manifest.ts';
import type { SnapshotDependencies } from './dependencies.ts';

const mostTries = 10;

/**
 * Moves a branch to a new snapshot; its data version is counted from where the branch stands. What a snapshot holds does not depend on where
 * the branch stood, so a lost race is run again with the change counted anew. Idempotent by the call's id.
 */
export async function moveHead(
  deps: SnapshotDependencies,
  move: { readonly to: SnapshotReference; readonly branch: string; readonly why: string },
): Promise<void> {
  const entryId = `created/${deps.callId?.() ?? randomUUID()}`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await moveOnce(deps, { ...move, entryId });
    } catch (error) {
      if (!isCoded(error, 'CONFLICT') || attempt >= mostTries || !(await hasMoved(deps, move))) throw error;
    }
  }
}

/** A branch name that a tag has is a conflict, too, and stays one. */
async function hasMoved(
  deps: SnapshotDependencies,
  { to, branch }: { readonly to: SnapshotReference; readonly branch: string },
): Promise<boolean> {
  const history = await readHistory(deps.store, to.dataset);
  return history !== null && ofName(history.tags, branch) === undefined;
}

async function moveOnce(
  deps: SnapshotDependencies,
  move: { readonly to: SnapshotReference; readonly branch: string; readonly why: string; readonly entryId: string },
): Promise<void> {
  const { to, branch } = move;
  const { dataset, digest } = to;
  const history = await readHistory(deps.store, dataset);
  const standing = history === null ? undefined : ofName(history.branches, branch);
  const before = standing ?? (history === null ? undefined : ofName(history.branches, mainBranch));
  const version = await versionAfter(deps, before ?? null, to);
  const known = history === null ? null : dataVersionOf(history, digest);
  await moveBranch(deps.store, {
    dataset,
    branch,
    to: digest,
    event: 'created',
    entryId: move.entryId,
    at: deps.now(),
    who: deps.who(),
    why: move.why,
    dataVersion: known ?? version.dataVersion,
    reasons: version.reasons,
    expects: standing?.digest ?? null,
  });
}

async function versionAfter(
  deps: SnapshotDependencies,
  before: { readonly digest: string; readonly dataVersion: string } | null,
  { dataset, digest }: SnapshotReference,
): Promise<{ readonly dataVersion: string; readonly reasons: readonly string[] }> {
  if (before === null) return { dataVersion: nextDataVersion(null, 'none'), reasons: ['The first snapshot.'] };
  if (before.digest === digest) return { dataVersion: before.dataVersion, reasons: [] };
  const [older, newer] = await Promise.all(
    [before.digest, digest].map((each) => readManifest(deps.store, { dataset, digest: each })),
  );
  if (older === undefined || newer === undefined) throw new Error('Two manifests were read, and one is not there.');
  const { change, reasons } = await compareManifests(deps.store, older, newer);
  return { dataVersion: nextDataVersion(before.dataVersion, change), reasons };
}
