import type { ColumnStatistics, NumberRange, SnapshotStatistics } from './column-statistics.ts';
import type { NumberProfile } from './drift-report.ts';
import type { Expectation } from './expectation.ts';

/** Where more of a set's values than this were seen only once, the next file brings new ones. */
const onceSeenAtMost = 0.1;

/** HyperLogLog's error: so near to the number of rows, the values are perhaps all different. */
const distinctError = 0.05;

/** Limits stand so many times the middle 95 % away from it. */
const margin = 3;

/**
 * Proposes a schema for data like this: a proposal, which a person reads and signs. After Deequ's rules for suggesting constraints
 * (Schelter et al., "Automating Large-Scale Data Quality Verification", VLDB 2018, section 4.1):
 *
 * - there are rows, and no other columns (a warning);
 * - a column's type, unless it has no value at all;
 * - `notNull` where nothing is missing. A share that may be missing cannot be said of a row and is left out;
 * - `oneOf` for text with at most 50 values, of which at most a tenth were seen once;
 * - `unique` where about as many values are different as there are rows: an estimate, to be held against the data;
 * - limits of numbers: 0 where nothing is negative, else three times the middle 95 % away from it, rounded outwards. The observed minimum and
 *   maximum are never the limits; a side on which a value lies beyond its limit is left open, both where a value is infinite;
 * - a warning where the median leaves the middle half of today: a wrong unit does, while each value is still possible.
 */
export function inferSchema(statistics: SnapshotStatistics): readonly Expectation[] {
  const columns = Object.entries(statistics.columns);
  return [
    { kind: 'rowCount', min: 1 },
    ...(columns.length === 0
      ? []
      : [{ kind: 'onlyColumns', columns: columns.map(([name]) => name), severity: 'warn' } as const]),
    ...columns.flatMap(([name, column]) => forColumn(name, column, statistics.rows)),
  ];
}

function forColumn(name: string, column: ColumnStatistics, rows: number): readonly Expectation[] {
  if (column.missing >= rows) return [];
  const unique = seemsUnique(column, rows);
  return [
    { kind: 'type', column: name, type: column.type },
    ...(column.missing === 0 ? [{ kind: 'notNull', column: name } as const] : []),
    ...(unique ? [{ kind: 'unique', columns: [name] } as const] : forValues(name, { column, rows })),
  ];
}

/** Only whole numbers and text name things; the counts of the most frequent text say for certain when one comes twice. */
function seemsUnique(column: ColumnStatistics, rows: number): boolean {
  if (column.type !== 'integer' && column.type !== 'string') return false;
  if (column.missing > 0 || column.distinct === null || rows < 2) return false;
  const doubled = column.profile?.kind === 'category' && column.profile.counts.some((count) => count > 1);
  return !doubled && Math.abs(column.distinct / rows - 1) <= distinctError;
}

function forValues(
  name: string,
  { column, rows }: { readonly column: ColumnStatistics; readonly rows: number },
): readonly Expectation[] {
  const { type, profile, range } = column;
  if (type === 'string' && profile?.kind === 'category') {
    const once = profile.counts.filter((count) => count === 1).length;
    const isSet = profile.unseen === 0 && once <= onceSeenAtMost * profile.values.length && profile.values.length > 0;
    return isSet ? [{ kind: 'oneOf', column: name, values: profile.values.toSorted() }] : [];
  }
  if ((type !== 'integer' && type !== 'number') || profile?.kind !== 'number' || range === null) return [];
  const infinite = range.count < rows - column.missing;
  return [...(infinite ? [] : limits(name, { range, profile })), ...medianWithin(name, { range, profile })];
}

type Numbers = { readonly range: NumberRange; readonly profile: NumberProfile };

function limits(name: string, numbers: Numbers): readonly Expectation[] {
  const { range } = numbers;
  const edges = innerEdges(numbers.profile);
  // The outermost edges, not the observed ends: one odd value would else widen the limits that should tell it.
  const low = edges[Math.max(0, binAt(numbers.profile, 0.025) - 1)] ?? range.min;
  const high = edges[Math.min(edges.length - 1, binAt(numbers.profile, 0.975))] ?? range.max;
  const wide = margin * (high - low);
  const min = range.min >= 0 ? 0 : outwards(low - wide);
  const max = range.max <= 0 ? 0 : outwards(high + wide);
  const bounds = {
    ...(range.min >= min && (wide > 0 || min === 0) ? { min } : {}),
    ...(range.max <= max && (wide > 0 || max === 0) ? { max } : {}),
  };
  return 'min' in bounds || 'max' in bounds ? [{ kind: 'between', column: name, ...bounds }] : [];
}

function medianWithin(name: string, { range, profile }: Numbers): readonly Expectation[] {
  const edges = innerEdges(profile);
  const [lower, upper] = [binAt(profile, 0.25), binAt(profile, 0.75)];
  // Half of the values stand in one bin, most often as one value: there is no middle half to move in.
  if (lower === upper) return [];
  const [min, max] = [edges[lower - 1] ?? range.min, edges[upper] ?? range.max];
  return [{ kind: 'quantileBetween', column: name, quantile: 0.5, min, max, severity: 'warn' }];
}

/** Where there is one count fewer than edges, the outer two bound nothing: see `binOf` of the drift profiles. */
function innerEdges({ edges, counts }: NumberProfile): readonly number[] {
  return counts.length < edges.length ? edges.slice(1, -1) : edges;
}

/** The bin that holds a quantile. */
function binAt({ counts }: NumberProfile, quantile: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  return Math.max(
    0,
    counts.findIndex((count) => (below += count) >= quantile * total && count > 0),
  );
}

/** Away from 0 to two digits, 9,270 to 9,300: a limit with more digits would look like knowledge. */
function outwards(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const [digits = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  // Through text: dividing by a power of ten would leave 0.30000000000000004.
  return Math.sign(value) * Number(`${Math.ceil(Number(digits) * 10)}e${Number(exponent) - 1}`);
}
