import { isDataVersion } from '../../domain/data-version.ts';
import { CodedError } from '../../domain/errors.ts';
import type { HistoryEntry, SnapshotHistory } from '../../domain/snapshot-history.ts';

/** The branch that every dataset has. */
export const mainBranch = 'latest';

const partOfDigest = /^[0-9a-f]{8,64}$/;
const mostShown = 5;

/** Whether a name reads as a digest or the beginning of one: no branch and no tag may. */
export function looksLikeDigest(name: string): boolean {
  return partOfDigest.test(name);
}

/** A member of a record by a name that came from outside. */
export function ofName<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The data version of a snapshot of the history; null when it has no place in it. */
export function dataVersionOf(history: SnapshotHistory, digest: string): string | null {
  return history.entries.find((entry) => entry.to === digest)?.dataVersion ?? null;
}

/** The last entry that brought a branch or tag to a snapshot. */
export function newestEntry(history: SnapshotHistory, name: string, to: string): HistoryEntry | undefined {
  return history.entries.findLast((entry) => entry.name === name && entry.to === to);
}

/**
 * The digest that a branch, tag, data version, digest or its beginning names in a history; null when it names nothing.
 *
 * @throws CodedError INPUT_INVALID when the beginning of a digest is that of several.
 */
export function findDigest(history: SnapshotHistory, name: string): string | null {
  const named = ofName(history.branches, name) ?? ofName(history.tags, name);
  if (named !== undefined) return named.digest;
  if (isDataVersion(name)) return history.entries.find((entry) => entry.dataVersion === name)?.to ?? null;
  if (!looksLikeDigest(name)) return null;
  const found = [...new Set(history.entries.map(({ to }) => to).filter((digest) => digest.startsWith(name)))];
  if (found.length < 2) return found[0] ?? null;
  const all = found.map((digest) => digest.slice(0, 16)).join(', ');
  throw new CodedError(
    'INPUT_INVALID',
    `${history.dataset}@${name} names several snapshots: ${all}. Give more of the digest.`,
    { details: { dataset: history.dataset, name, digests: found } },
  );
}

/** As findDigest does. @throws CodedError NOT_FOUND when the name means nothing, saying what there is. */
export function requireDigest(history: SnapshotHistory, name: string): string {
  const found = findDigest(history, name);
  if (found === null) throw unknownName(history, name);
  return found;
}

/**
 * Where a branch stood before it first came, other than by going back, to where it is: going back twice leads two snapshots back.
 *
 * @throws CodedError NOT_FOUND when it began there.
 */
export function standingBefore(history: SnapshotHistory, branch: string, digest: string): string {
  const moves = history.entries.filter(({ name, event }) => name === branch && event !== 'tagged');
  const came = moves.findLast(({ to, event }) => to === digest && event !== 'rolledBack');
  // It went back to where it never was: then to where it was when it did.
  const from = (came ?? moves.findLast(({ to }) => to === digest))?.from ?? null;
  if (from !== null) return from;
  throw new CodedError(
    'NOT_FOUND',
    `Branch ${history.dataset}@${branch} began at ${digest.slice(0, 12)}: there is nothing before it. Name a digest, tag or data version to go to.`,
    { details: { dataset: history.dataset, branch } },
  );
}

/** Says that a name means nothing in a history, and what there is. */
export function unknownName(history: SnapshotHistory, name: string): CodedError {
  if (history.entries.length === 0) return noHistory(history.dataset);
  const snapshots = [...new Set(history.entries.toReversed().map(({ to }) => to))].slice(0, mostShown);
  const known = [
    listing('branches', Object.keys(history.branches)),
    listing('tags', Object.keys(history.tags)),
    listing(
      'last snapshots',
      snapshots.map((digest) => `${digest.slice(0, 12)} (${dataVersionOf(history, digest) ?? ''})`),
    ),
  ];
  return new CodedError(
    'NOT_FOUND',
    `Snapshot ${history.dataset}@${name} not found. There are ${known.filter((text) => text !== '').join('; ')}. See 'perdura snapshot log ${history.dataset}'.`,
    { details: { dataset: history.dataset, name } },
  );
}

/** Says that nothing was ever sealed of a dataset. */
export function noHistory(dataset: string): CodedError {
  return new CodedError(
    'NOT_FOUND',
    `Dataset '${dataset}' has no snapshot yet. Make one with 'perdura snapshot create ${dataset}'.`,
    { details: { dataset } },
  );
}

function listing(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${what} ${names.join(', ')}`;
}
