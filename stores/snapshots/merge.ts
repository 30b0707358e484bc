import { canonicalJson } from '../../domain/canonical-json.ts';
import { nextDataVersion } from '../../domain/data-version.ts';
import { CodedError } from '../../domain/errors.ts';
import { commonAncestor } from '../../domain/snapshot-lineage.ts';
import type { SnapshotHistory } from '../../domain/snapshot-history.ts';
import type { SnapshotManifest, SnapshotReference } from '../../domain/snapshot.ts';
import { sha256Hex } from '../digest.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { compareManifests } from './diff.ts';
import { moveBranch, readHistory, type Signed } from './history.ts';
import { noHistory, ofName, unknownName } from './history-lookup.ts';
import { sealChanges } from './incremental.ts';
import { readManifest } from './manifest.ts';
import { mergeManifests } from './merge-manifests.ts';
import { keepMergedStatistics } from './merged-statistics.ts';

/** Which branch goes into which. */
export type MergeRequest = Signed & { readonly from: string; readonly into: string };

/** Where `into` stands since. `conflicts` is empty: with conflicts nothing is merged, and the error names them. */
export type Merged = { readonly reference: SnapshotReference; readonly conflicts: readonly string[] };

const mostNamed = 20;

/**
 * Merges a branch into another on manifests alone, three-way from the newest snapshot that both came from; no data is read or copied. Where
 * only one side has moved since, the branch follows or stays. Idempotent: what is merged already is not merged again.
 * The merged snapshot's statistics come from those of the sides where they add up (`keepMergedStatistics`); else someone measures it later.
 *
 * @throws CodedError CONFLICT naming every key and column that both changed differently (`details.conflicts`), or when `into` moved meanwhile;
 * NOT_FOUND when a branch does not exist.
 */
export async function mergeBranch(store: ObjectStore, request: MergeRequest): Promise<Merged> {
  const { dataset, from, into } = request;
  const history = await readHistory(store, dataset);
  if (history === null) throw noHistory(dataset);
  const [ours, theirs] = [headOf(history, into), headOf(history, from)];
  const base = commonAncestor(history, into, from);
  const ourManifest = await readManifest(store, { dataset, digest: ours });
  if (base === theirs || ours === theirs)
    return { reference: { dataset, digest: ours, rows: ourManifest.rows }, conflicts: [] };
  const theirManifest = await readManifest(store, { dataset, digest: theirs });
  const reference =
    base === ours
      ? { dataset, digest: theirs, rows: theirManifest.rows }
      : await sealMerged(store, request, {
          base: await baseManifest(store, dataset, base),
          ourManifest,
          theirManifest,
          digests: { base, ours, theirs },
        });
  await moveInto(store, request, { history, ourManifest, ours, theirs, reference });
  return { reference, conflicts: [] };
}

async function sealMerged(
  store: ObjectStore,
  request: MergeRequest,
  sides: {
    readonly base: SnapshotManifest;
    readonly ourManifest: SnapshotManifest;
    readonly theirManifest: SnapshotManifest;
    readonly digests: { readonly base: string | null; readonly ours: string; readonly theirs: string };
  },
): Promise<SnapshotReference> {
  const { base, ourManifest, theirManifest, digests } = sides;
  const merged = await mergeManifests(store, { base, ours: ourManifest, theirs: theirManifest });
  if (merged.conflicts.length > 0) throw conflicting(request, merged.conflicts);
  const facts = { dataset: request.dataset, ...merged.facts };
  const reference = await sealChanges(store, ourManifest, facts, merged.changes);
  const { columns } = facts;
  if (!merged.changedAlike) await keepMergedStatistics(store, { merged: reference, columns, ...digests });
  return reference;
}

async function moveInto(
  store: ObjectStore,
  { dataset, from, into, at, who, why }: MergeRequest,
  move: {
    readonly history: SnapshotHistory;
    readonly ourManifest: SnapshotManifest;
    readonly ours: string;
    readonly theirs: string;
    readonly reference: SnapshotReference;
  },
): Promise<void> {
  const { ours, theirs, reference } = move;
  const newer = await readManifest(store, reference);
  const { change, reasons } = await compareManifests(store, move.ourManifest, newer);
  await moveBranch(store, {
    dataset,
    branch: into,
    to: reference.digest,
    event: 'merged',
    merged: theirs,
    at,
    who,
    why,
    entryId: `merged-${sha256Hex(canonicalJson({ into, from, ours, theirs, at }))}`,
    dataVersion: nextDataVersion(ofName(move.history.branches, into)?.dataVersion ?? null, change),
    reasons,
    expects: ours,
  });
}

function headOf(history: SnapshotHistory, branch: string): string {
  const head = ofName(history.branches, branch);
  if (head === undefined) throw unknownName(history, branch);
  return head.digest;
}

/** Branches that never met are merged as if both came from nothing: what only one has is new, what both have otherwise is a conflict. */
async function baseManifest(store: ObjectStore, dataset: string, digest: string | null): Promise<SnapshotManifest> {
  if (digest !== null) return readManifest(store, { dataset, digest });
  const none = { columns: [], deviations: [], parts: [] };
  return { dataset, rows: 0, dialect: null, fileCount: 0, sizeBytes: 0, ...none };
}

function conflicting({ dataset, from, into }: MergeRequest, conflicts: readonly string[]): CodedError {
  const more = conflicts.length > mostNamed ? ` and ${conflicts.length - mostNamed} more` : '';
  const named = `${conflicts.slice(0, mostNamed).join(', ')}${more}`;
  return new CodedError(
    'CONFLICT',
    `Branch ${dataset}@${from} does not merge into ${into}: both changed ${named}. Make them equal on one branch, then merge again.`,
    { details: { dataset, from, into, conflicts } },
  );
}
