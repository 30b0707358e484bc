import type { SnapshotStatistics } from './column-statistics.ts';
import type { CategoryProfile, NumberProfile } from './drift-report.ts';
import type { ColumnsDiff, DistributionDiff } from './snapshot-diff.ts';
import type { Column } from './snapshot.ts';
import { stabilityValue } from './statistics/population-stability-index.ts';

type Profile = NumberProfile | CategoryProfile;

/** How two lists of columns differ; their order does not count. */
export function compareColumns(from: readonly Column[], to: readonly Column[]): ColumnsDiff {
  const [before, now] = [byName(from), byName(to)];
  return {
    added: to.filter(({ name }) => !before.has(name)),
    removed: from.filter(({ name }) => !now.has(name)),
    retyped: from.flatMap((column) => {
      const other = now.get(column.name);
      return other === undefined || sameColumn(column, other) ? [] : [{ from: column, to: other }];
    }),
  };
}

/** Whether two columns hold values of the same kind. */
export function sameColumn(a: Column, b: Column): boolean {
  return a.type === b.type && (a.zoned ?? false) === (b.zoned ?? false);
}

/**
 * How the values of the columns that both snapshots have are distributed, those that differ most first; a column without PSI comes last. Missing
 * and unseen values are bins of their own, so that a column that emptied differs.
 */
export function compareDistributions(from: SnapshotStatistics, to: SnapshotStatistics): readonly DistributionDiff[] {
  return Object.entries(from.columns)
    .flatMap(([column, before]) => {
      const now = Object.hasOwn(to.columns, column) ? to.columns[column] : undefined;
      if (now === undefined) return [];
      const bins = binsOf(before.profile, now.profile);
      const psi = bins === null ? null : (stabilityValue(bins)?.value ?? null);
      return [{ column, from: before, to: now, psi }];
    })
    .toSorted((a, b) => (b.psi ?? -1) - (a.psi ?? -1));
}

/** The counts of two profiles over the same bins; null where they are over others. */
function binsOf(from: Profile | null, to: Profile | null) {
  if (from === null || to === null || from.counts.length !== to.counts.length) return null;
  if (!sameList(edgesOf(from), edgesOf(to))) return null;
  return { reference: countsOf(from), current: countsOf(to) };
}

function edgesOf(profile: Profile): readonly (number | string)[] {
  return profile.kind === 'number' ? profile.edges : profile.values;
}

function countsOf(profile: Profile): readonly number[] {
  return [...profile.counts, profile.missing, ...(profile.kind === 'category' ? [profile.unseen] : [])];
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function byName(columns: readonly Column[]): ReadonlyMap<string, Column> {
  return new Map(columns.map((column) => [column.name, column]));
}
