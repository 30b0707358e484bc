import { freeDataVersion, isDataVersion } from '../../domain/data-version.ts';
import { CodedError } from '../../domain/errors.ts';
import { isPlainName } from '../../domain/names.ts';
import type { HistoryEntry, HistoryEvent, SnapshotHistory } from '../../domain/snapshot-history.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { requireDataset } from '../datasets.ts';
import { sha256Hex } from '../digest.ts';
import { readDocument, updateDocument } from '../documents.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import {
  dataVersionOf,
  findDigest,
  looksLikeDigest,
  mainBranch,
  newestEntry,
  noHistory,
  ofName,
  requireDigest,
  standingBefore,
  unknownName,
} from './history-lookup.ts';
import { readManifest } from './manifest.ts';

/** What every change of a history says: when, who, why. `at` is ISO 8601. */
export type Signed = { readonly dataset: string; readonly at: string; readonly who: string; readonly why: string };

/** A branch's move; `expects` is where it must stand (null: it must be new), `merged` what was merged into it. */
export type BranchMove = Signed & {
  readonly branch: string;
  readonly to: string;
  readonly event: Extract<HistoryEvent, 'created' | 'accepted' | 'merged'>;
  readonly entryId: string;
  readonly dataVersion: string;
  readonly reasons: readonly string[];
  readonly expects?: string | null;
  readonly merged?: string;
};

type Changed = { readonly history: SnapshotHistory; readonly entry: HistoryEntry };

/** The history of a dataset's snapshots; null where none was made. */
export async function readHistory(store: ObjectStore, dataset: string): Promise<SnapshotHistory | null> {
  return (await readDocument<SnapshotHistory>(store, historyKey(dataset)))?.value ?? null;
}

/**
 * Moves a branch to a sealed snapshot by compare-and-set, and makes it where it is new. Idempotent by entryId. Where the branch stands there
 * already nothing is added and its newest entry is given. A snapshot keeps the data version it first got; one that belongs to
 * another snapshot is counted on to the next free one.
 *
 * @throws CodedError CONFLICT when the branch stands elsewhere than `expects`, or a tag has its name; INPUT_INVALID for a bad name.
 */
export async function moveBranch(store: ObjectStore, move: BranchMove): Promise<HistoryEntry> {
  const { branch, to } = move;
  return change(store, move.dataset, (history) => {
    const repeated = history.entries.find(({ entryId }) => entryId === move.entryId);
    if (repeated !== undefined) return { history, entry: repeated };
    const standing = ofName(history.branches, branch);
    const newest = standing?.digest === to ? newestEntry(history, branch, to) : undefined;
    if (newest !== undefined) return { history, entry: newest };
    requireExpected(move, standing?.digest ?? null);
    if (standing === undefined) requireFreeName(history, 'branch', branch);
    const entry: HistoryEntry = {
      entryId: move.entryId,
      at: move.at,
      who: move.who,
      why: move.why,
      event: move.event,
      name: branch,
      from: standing?.digest ?? null,
      to,
      ...(move.merged === undefined ? {} : { merged: move.merged }),
      dataVersion: versionFor(history, to, move.dataVersion),
      reasons: move.reasons,
    };
    return { history: withMove(history, entry), entry };
  });
}

/**
 * Makes a branch that stands at a snapshot of the history. Idempotent: a branch that stands there is left as it is.
 *
 * @throws CodedError CONFLICT when the name is taken; NOT_FOUND when the snapshot has no place in the history; INPUT_INVALID.
 */
export async function createBranch(
  store: ObjectStore,
  request: Signed & { readonly branch: string; readonly from: string },
): Promise<HistoryEntry> {
  const { dataset, branch, from } = request;
  return change(store, dataset, (history) => {
    const standing = ofName(history.branches, branch);
    const made = standing?.digest === from ? newestEntry(history, branch, from) : undefined;
    if (made !== undefined) return { history, entry: made };
    requireFreeName(history, 'branch', branch);
    const entry = named(history, 'branched', branch, { ...request, to: from });
    return { history: withMove(history, entry), entry };
  });
}

/**
 * Gives a snapshot of the history a name that never moves. Idempotent for the same snapshot.
 *
 * @throws CodedError CONFLICT when the tag names another snapshot or a branch has its name; NOT_FOUND; INPUT_INVALID.
 */
export async function tagSnapshot(
  store: ObjectStore,
  request: Signed & { readonly tag: string; readonly digest: string },
): Promise<HistoryEntry> {
  const { dataset, tag, digest } = request;
  return change(store, dataset, (history) => {
    const tagged = history.entries.find((entry) => entry.event === 'tagged' && entry.name === tag);
    if (tagged?.to === digest) return { history, entry: tagged };
    requireFreeName(history, 'tag', tag);
    const entry = named(history, 'tagged', tag, { ...request, to: digest });
    const tags = { ...history.tags, [tag]: { digest, dataVersion: entry.dataVersion } };
    return { history: { ...history, tags, entries: [...history.entries, entry] }, entry };
  });
}

/**
 * Moves a branch back: to a digest (8 characters of it or more), tag or data version of the history, or, unless said, to where it stood
 * before it came to where it is; a second time one further back. Nothing is deleted: the entry says what was left.
 * Idempotent for the same `at`, who and why. `expects` is where the branch must stand: without it two who want the same
 * snapshot gone at once go back by two.
 *
 * @throws CodedError NOT_FOUND when there is no such branch or snapshot, or nothing before; CONFLICT when it stands elsewhere.
 */
export async function rollBack(
  store: ObjectStore,
  request: Signed & { readonly branch: string; readonly to?: string; readonly expects?: string },
): Promise<HistoryEntry> {
  const { dataset, branch, at, who, why } = request;
  const entryId = `rolledBack-${sha256Hex([branch, request.to ?? '', at, who, why].join('\n'))}`;
  return change(store, dataset, (history) => {
    const repeated = history.entries.find((entry) => entry.entryId === entryId);
    if (repeated !== undefined) return { history, entry: repeated };
    const standing = ofName(history.branches, branch);
    if (standing === undefined) throw unknownName(history, branch);
    requireExpected(request, standing.digest);
    const to =
      request.to === undefined ? standingBefore(history, branch, standing.digest) : requireDigest(history, request.to);
    const newest = standing.digest === to ? newestEntry(history, branch, to) : undefined;
    if (newest !== undefined) return { history, entry: newest };
    const version = dataVersionOf(history, to);
    if (version === null) throw unknownName(history, to);
    const reasons = [`The branch went back from ${standing.dataVersion} to ${version}.`];
    const what = { entryId, at, who, why, event: 'rolledBack' as const, name: branch, from: standing.digest, to };
    const entry: HistoryEntry = { ...what, dataVersion: version, reasons };
    return { history: withMove(history, entry), entry };
  });
}

/**
 * The snapshot that `flights@latest`, `flights@<tag>`, `flights@<data version>` or `flights@<digest or its first 8 characters>` names; a dataset
 * alone means its branch `latest`. Reads the history and one root, and never lists.
 *
 * @throws CodedError NOT_FOUND with what there is; INPUT_INVALID when the beginning of a digest is that of several, or no dataset is called so.
 */
export async function resolveSnapshot(
  store: ObjectStore,
  name: string,
): Promise<SnapshotReference & { readonly dataVersion: string | null }> {
  const at = name.lastIndexOf('@');
  const [dataset, part] = at === -1 ? [name, mainBranch] : [name.slice(0, at), name.slice(at + 1)];
  requireDataset(dataset);
  const history = await readHistory(store, dataset);
  const digest = (history === null ? null : findDigest(history, part)) ?? wholeDigest(part);
  if (digest === null) throw history === null ? noHistory(dataset) : unknownName(history, part);
  const { rows } = await readManifest(store, { dataset, digest });
  return { dataset, digest, rows, dataVersion: history === null ? null : dataVersionOf(history, digest) };
}

/** A snapshot that was sealed and that no branch ever reached, such as one whose maker was killed in between. */
function wholeDigest(name: string): string | null {
  return looksLikeDigest(name) && name.length === 64 ? name : null;
}

async function change(
  store: ObjectStore,
  dataset: string,
  decide: (history: SnapshotHistory) => Changed,
): Promise<HistoryEntry> {
  const decided: HistoryEntry[] = [];
  await updateDocument<SnapshotHistory>(store, historyKey(dataset), (current) => {
    const history = current ?? { dataset, branches: {}, tags: {}, entries: [] };
    const { history: changed, entry } = decide(history);
    decided.push(entry);
    return changed;
  });
  const last = decided.at(-1);
  if (last === undefined) throw new Error('A change was not asked for its value.');
  return last;
}

function withMove(history: SnapshotHistory, entry: HistoryEntry): SnapshotHistory {
  const standing = { digest: entry.to, dataVersion: entry.dataVersion };
  return {
    ...history,
    branches: { ...history.branches, [entry.name]: standing },
    entries: [...history.entries, entry],
  };
}

/** The entry of a new name; its snapshot must have a place in the history. */
function named(
  history: SnapshotHistory,
  event: 'branched' | 'tagged',
  name: string,
  { at, who, why, to }: Signed & { readonly to: string },
): HistoryEntry {
  const dataVersion = dataVersionOf(history, to);
  if (dataVersion === null) throw unknownName(history, to);
  const entryId = `${event}-${sha256Hex([name, to].join('\n'))}`;
  return { entryId, at, who, why, event, name, from: null, to, dataVersion, reasons: [] };
}

/** A snapshot has one data version, and a data version one snapshot. */
function versionFor(history: SnapshotHistory, digest: string, wanted: string): string {
  const taken = new Set(history.entries.map(({ dataVersion }) => dataVersion));
  return dataVersionOf(history, digest) ?? freeDataVersion(wanted, (version) => taken.has(version));
}

function requireExpected(
  { dataset, branch, expects }: Pick<BranchMove, 'dataset' | 'branch' | 'expects'>,
  standing: string | null,
): void {
  if (expects === undefined || expects === standing) return;
  const place = (digest: string | null) => (digest === null ? 'nowhere' : `at ${digest.slice(0, 12)}`);
  throw new CodedError(
    'CONFLICT',
    `Branch ${dataset}@${branch} stands ${place(standing)}, not ${place(expects)}: someone else moved it. Read it again and decide anew.`,
    { details: { dataset, branch, standing, expects } },
  );
}

/** No name may mean two things: branches and tags share theirs, and digests and data versions name snapshots by themselves. */
function requireFreeName(history: SnapshotHistory, kind: 'branch' | 'tag', name: string): void {
  const { dataset } = history;
  const details = { dataset, name };
  if (!isPlainName(name) || looksLikeDigest(name) || isDataVersion(name) || (kind === 'tag' && name === mainBranch))
    throw new CodedError(
      'INPUT_INVALID',
      `${JSON.stringify(name)} cannot name a ${kind}. Use a letter or digit, then letters, digits, '.', '_' and '-', no digest, no data version${kind === 'tag' ? `, and not '${mainBranch}'` : ''}.`,
      { details },
    );
  const taken = [
    { what: 'branch', at: ofName(history.branches, name) },
    { what: 'tag', at: ofName(history.tags, name) },
  ].find(({ at }) => at !== undefined);
  if (taken?.at === undefined) return;
  throw new CodedError(
    'CONFLICT',
    `${dataset}@${name} is a ${taken.what} already, at ${taken.at.digest.slice(0, 12)}. Choose another name.`,
    { details },
  );
}

function historyKey(dataset: string): string {
  return `snapshots/${dataset}/history.json`;
}
