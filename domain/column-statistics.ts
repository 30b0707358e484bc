import type { CategoryProfile, NumberProfile } from './drift-report.ts';
import type { ColumnType } from './snapshot.ts';

/**
 * `snapshots/<dataset>/<digest>.statistics.json`: what the values of a snapshot look like; written once, the first stays. It is no part of
 * the digest, because it may rest on the parent's edges: `edgesFrom` is the digest of the snapshot whose edges it counts over, its own
 * where it was the first.
 */
export type SnapshotStatistics = {
  readonly dataset: string;
  readonly digest: string;
  readonly edgesFrom: string;
  readonly rows: number;
  readonly columns: Readonly<Record<string, ColumnStatistics>>;
};

/** One column. `missing` counts null, NaN and rows of files without the column. */
export type ColumnStatistics = {
  readonly type: ColumnType;
  readonly missing: number;
  /** About how many different values (HyperLogLog, within about 2 %); null where it was not counted. */
  readonly distinct: number | null;
  /** Numbers as they are, timestamps in epoch milliseconds; null for other types and where there is no value. Infinities are left out. */
  readonly range: NumberRange | null;
  /** Counts over stored edges (integer, number, timestamp) or of the most frequent values (string, boolean); null for other types. */
  readonly profile: NumberProfile | CategoryProfile | null;
};

/** `count` is how many finite values the rest is of; the standard deviation is that of the population. Two merge by Chan's formula. */
export type NumberRange = {
  readonly min: number;
  readonly max: number;
  /** Set where `min` and `max` are only bounds. */
  readonly bounds?: true;
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number;
};

/** What is counted of rows, apart from which snapshot they belong to. */
export type MeasuredStatistics = Pick<SnapshotStatistics, 'rows' | 'columns'>;

/**
 * The statistics of both sets of rows together, where the second was counted over the first one's edges: counts add up, ranges merge by
 * Chan, Golub and LeVeque (1979). A column that one side lacks is missing in all its rows. `distinct` is kept only where the profile says
 * it exactly, because sketches are not stored.
 */
export function mergeStatistics(one: MeasuredStatistics, other: MeasuredStatistics): MeasuredStatistics {
  return combined({ one, other, rows: one.rows + other.rows, sign: 1 });
}

/**
 * What is left of statistics when rows are taken away that were counted over the same edges. `min` and `max` stay, as bounds
 * where the rows that held them may be gone. Rounding may leave a trace in mean and standard deviation, never in counts.
 */
export function subtractStatistics(whole: MeasuredStatistics, gone: MeasuredStatistics): MeasuredStatistics {
  return combined({ one: whole, other: gone, rows: whole.rows - gone.rows, sign: -1 });
}

type Combination = {
  readonly one: MeasuredStatistics;
  readonly other: MeasuredStatistics;
  readonly rows: number;
  readonly sign: 1 | -1;
};

function combined({ one, other, rows, sign }: Combination): MeasuredStatistics {
  const names = new Set([...Object.keys(one.columns), ...Object.keys(other.columns)]);
  const columns = [...names].flatMap((name): (readonly [string, ColumnStatistics])[] => {
    const first = columnOf(one, name);
    const second = columnOf(other, name);
    const like = first ?? second;
    if (like === undefined) return [];
    const a = first ?? allMissing(like, one.rows);
    const b = second ?? allMissing(like, other.rows);
    const profile = combinedProfile(a.profile, b.profile, sign);
    const type = a.type === 'number' || b.type === 'number' ? 'number' : a.type;
    const missing = Math.max(0, a.missing + sign * b.missing);
    const range = sign === 1 ? mergedRange(a.range, b.range) : leftRange(a.range, b.range);
    return [[name, { type, missing, distinct: distinctOf(profile), range, profile }]];
  });
  return { rows, columns: Object.fromEntries(columns) };
}

function columnOf({ columns }: MeasuredStatistics, name: string): ColumnStatistics | undefined {
  return Object.hasOwn(columns, name) ? columns[name] : undefined;
}

function allMissing(like: ColumnStatistics, rows: number): ColumnStatistics {
  const counts = like.profile?.counts.map(() => 0) ?? [];
  const profile =
    like.profile === null
      ? null
      : like.profile.kind === 'number'
        ? { ...like.profile, counts, missing: rows }
        : { ...like.profile, counts, unseen: 0, missing: rows };
  return { type: like.type, missing: rows, distinct: 0, range: null, profile };
}

type Profile = NumberProfile | CategoryProfile;

/** Null where the two were not counted over the same edges or values: they do not go together. */
function combinedProfile(one: Profile | null, other: Profile | null, sign: 1 | -1): Profile | null {
  if (one === null || other === null) return null;
  const add = (a: number, b: number): number => Math.max(0, a + sign * b);
  if (sign === 1 && holdsNothing(one)) return { ...other, missing: one.missing + other.missing };
  if (holdsNothing(other)) return { ...one, missing: Math.max(0, one.missing + sign * other.missing) };
  const counts = one.counts.map((count, place) => add(count, other.counts[place] ?? 0));
  const missing = add(one.missing, other.missing);
  if (one.kind === 'number' && other.kind === 'number') {
    return same(one.edges, other.edges) ? { ...one, counts, missing } : null;
  }
  if (one.kind === 'category' && other.kind === 'category') {
    return same(one.values, other.values) ? { ...one, counts, missing, unseen: add(one.unseen, other.unseen) } : null;
  }
  return null;
}

function holdsNothing(profile: Profile): boolean {
  const unseen = profile.kind === 'category' ? profile.unseen : 0;
  return unseen === 0 && profile.counts.every((count) => count === 0);
}

function same(one: readonly (number | string)[], other: readonly (number | string)[]): boolean {
  return one.length === other.length && one.every((value, place) => value === other[place]);
}

function distinctOf(profile: Profile | null): number | null {
  if (profile?.kind !== 'category' || profile.unseen > 0) return null;
  return profile.counts.filter((count) => count > 0).length;
}

function mergedRange(one: NumberRange | null, other: NumberRange | null): NumberRange | null {
  if (one === null || other === null) return one ?? other;
  const count = one.count + other.count;
  const step = other.mean - one.mean;
  const mean = one.mean + (step * other.count) / count;
  const squares = squaresOf(one) + squaresOf(other) + (step * step * one.count * other.count) / count;
  const standardDeviation = Math.sqrt(squares / count);
  const bounds = one.bounds ?? other.bounds;
  return {
    min: Math.min(one.min, other.min),
    max: Math.max(one.max, other.max),
    ...(bounds === undefined ? {} : { bounds }),
    count,
    mean,
    standardDeviation,
  };
}

/** Chan's formula turned round. */
function leftRange(whole: NumberRange | null, gone: NumberRange | null): NumberRange | null {
  if (whole === null || gone === null) return whole;
  const count = whole.count - gone.count;
  if (count <= 0) return null;
  const mean = (whole.mean * whole.count - gone.mean * gone.count) / count;
  const step = gone.mean - mean;
  const squares = squaresOf(whole) - squaresOf(gone) - (step * step * count * gone.count) / whole.count;
  // The largest and smallest are still there unless rows that went had them.
  const bounds = gone.min <= whole.min || gone.max >= whole.max ? ({ bounds: true } as const) : {};
  return { ...whole, ...bounds, count, mean, standardDeviation: Math.sqrt(Math.max(0, squares) / count) };
}

function squaresOf({ count, standardDeviation }: NumberRange): number {
  return count * standardDeviation * standardDeviation;
}
