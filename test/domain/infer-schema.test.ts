import fc from 'fast-check';
import type { ColumnStatistics, SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { Bounds, Expectation } from '../../domain/expectation.ts';
import { inferSchema } from '../../domain/infer-schema.ts';

function statisticsOf(rows: number, columns: Readonly<Record<string, ColumnStatistics>>): SnapshotStatistics {
  return { dataset: 'shop', digest: 'd', edgesFrom: 'd', rows, columns };
}

function inferred(rows: number, column: ColumnStatistics): readonly Expectation[] {
  return inferSchema(statisticsOf(rows, { x: column })).slice(2);
}

/** Counts text as a snapshot's statistics do: the 50 most frequent values, the others together. */
function textColumn(values: readonly (string | null)[]): ColumnStatistics {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const ranked = [...counts].toSorted(([, a], [, b]) => b - a);
  const kept = ranked.slice(0, 50);
  const missing = values.filter((value) => value === null).length;
  const unseen = ranked.slice(50).reduce((sum, [, count]) => sum + count, 0);
  return {
    type: 'string',
    missing,
    distinct: counts.size,
    range: null,
    profile: {
      kind: 'category',
      values: kept.map(([value]) => value),
      counts: kept.map(([, count]) => count),
      unseen,
      missing,
    },
  };
}

/** Counts numbers as a snapshot's statistics do: bins [edge, next edge) between the 40-quantiles, open at both ends. */
function numberColumn(values: readonly (number | null)[], type: 'integer' | 'number' = 'number'): ColumnStatistics {
  const present = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const missing = values.length - present.length;
  const at = (quantile: number) => present[Math.min(present.length - 1, Math.floor(quantile * present.length))] ?? 0;
  const edges = [...new Set(Array.from({ length: 39 }, (_, index) => at((index + 1) / 40)))];
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const value of present) {
    const bin = edges.filter((edge) => edge <= value).length;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length;
  const variance = present.reduce((sum, value) => sum + (value - mean) ** 2, 0) / present.length;
  return {
    type,
    missing,
    distinct: new Set(present).size,
    range:
      present.length === 0
        ? null
        : {
            min: at(0),
            max: at(1),
            count: present.length,
            mean,
            standardDeviation: Math.sqrt(variance),
          },
    profile: { kind: 'number', edges, counts, missing },
  };
}

const repeated = <Value>(times: number, values: readonly Value[]): readonly Value[] =>
  Array.from({ length: times }, () => values).flat();

test('every schema asks for rows and, as a warning, for no other columns', () => {
  const column = textColumn(['a', 'a']);
  expect(inferSchema(statisticsOf(2, { b: column, a: column })).slice(0, 2)).toEqual([
    { kind: 'rowCount', min: 1 },
    { kind: 'onlyColumns', columns: ['b', 'a'], severity: 'warn' },
  ]);
});

test('a column without a missing value must have one; one with missing values need not', () => {
  const kinds = (values: readonly (string | null)[]) =>
    inferred(values.length, textColumn(values)).map(({ kind }) => kind);
  expect(kinds(repeated(20, ['a', 'b']))).toEqual(['type', 'notNull', 'oneOf']);
  expect(kinds(repeated(20, ['a', null]))).toEqual(['type', 'oneOf']);
});

test('of a column without any value nothing is known, not even its type', () => {
  expect(inferred(3, textColumn([null, null, null]))).toEqual([]);
});

test('text with few values that come again is a set', () => {
  expect(inferred(60, textColumn(repeated(20, ['red', 'blue', 'green'])))).toContainEqual({
    kind: 'oneOf',
    column: 'x',
    values: ['blue', 'green', 'red'],
  });
});

test('a tenth of the values may have been seen once, no more', () => {
  const nine = repeated(2, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
  const withOnce = (once: readonly string[]) => inferred(nine.length + once.length, textColumn([...nine, ...once]));
  expect(withOnce(['k']).some(({ kind }) => kind === 'oneOf')).toBe(true);
  expect(withOnce(['k', 'l']).some(({ kind }) => kind === 'oneOf')).toBe(false);
});

test('a set of which not every value is known is none', () => {
  const values = repeated(
    5,
    Array.from({ length: 51 }, (_, index) => `v${index}`),
  );
  expect(inferred(values.length, textColumn(values)).map(({ kind }) => kind)).toEqual(['type', 'notNull']);
});

test('whole numbers that are all different are keys: unique, without limits', () => {
  const ids = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(inferred(200, numberColumn(ids, 'integer'))).toEqual([
    { kind: 'type', column: 'x', type: 'integer' },
    { kind: 'notNull', column: 'x' },
    { kind: 'unique', columns: ['x'] },
  ]);
});

test('fractions are never keys, and text that comes twice is none however rare that is', () => {
  const fractions = Array.from({ length: 200 }, (_, index) => index + 0.5);
  expect(inferred(200, numberColumn(fractions)).some(({ kind }) => kind === 'unique')).toBe(false);
  const names = [...Array.from({ length: 199 }, (_, index) => `n${index}`), 'n0'];
  expect(inferred(200, textColumn(names)).some(({ kind }) => kind === 'unique')).toBe(false);
});

test('limits are not what was seen: 0 where nothing is negative, else three times the middle 95 % away from it', () => {
  const hundreds = repeated(
    3,
    Array.from({ length: 400 }, (_, index) => 101 + index),
  );
  expect(inferred(1_200, numberColumn(hundreds, 'integer'))).toContainEqual({
    kind: 'between',
    column: 'x',
    min: 0,
    // The middle 95 % is 111 to 491, 380 wide: 491 + 3 · 380 = 1,631.
    max: 1_700,
  });
});

test('a value beyond the limit leaves that side open', () => {
  const values = [
    ...repeated(
      3,
      Array.from({ length: 400 }, (_, index) => 101 + index),
    ),
    1_000_000,
  ];
  const [limits] = inferred(values.length, numberColumn(values, 'integer')).filter(({ kind }) => kind === 'between');
  expect(limits).toEqual({ kind: 'between', column: 'x', min: 0 });
});

test('an infinite value leaves both sides open', () => {
  const column = numberColumn(repeated(3, [0.5, 1.5, 2.5, 3.5]));
  expect(inferred(13, column).some(({ kind }) => kind === 'between')).toBe(false);
});

test('the median may move within the middle half of today; that is a warning', () => {
  const values = Array.from({ length: 400 }, (_, index) => index + 0.5);
  expect(inferred(400, numberColumn(values))).toContainEqual({
    kind: 'quantileBetween',
    column: 'x',
    quantile: 0.5,
    min: 90.5,
    max: 300.5,
    severity: 'warn',
  });
});

test('where half of the values are the same nothing is said of the median', () => {
  const values = [...repeated(300, [0]), ...Array.from({ length: 100 }, (_, index) => index)];
  expect(inferred(400, numberColumn(values, 'integer')).some(({ kind }) => kind === 'quantileBetween')).toBe(false);
});

/** Holds an expectation against the values themselves, by the words of domain/expect.ts. */
function holds(expectation: Expectation, values: readonly (number | string | null)[]): boolean {
  const present = values.filter((value) => value !== null);
  const { kind } = expectation;
  if (kind === 'notNull') return present.length === values.length;
  if (kind === 'oneOf') return present.every((value) => expectation.values.includes(String(value)));
  const within = (value: number, { min, max }: Bounds) => value >= (min ?? -Infinity) && value <= (max ?? Infinity);
  if (kind === 'between') return present.every((value) => within(Number(value), expectation));
  if (kind === 'quantileBetween') return within(median(present.map(Number)), expectation);
  // `unique` is an estimate: the command holds it against the data.
  return ['type', 'rowCount', 'onlyColumns', 'unique'].includes(kind);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  const middle = ((lower ?? 0) + (upper ?? 0)) / 2;
  // The sum of two very large numbers is infinite, their middle is not.
  return Number.isFinite(middle) ? middle : (lower ?? 0) / 2 + (upper ?? 0) / 2;
}

const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
);

test('whatever the numbers are, they pass what was inferred from them', () => {
  fc.assert(
    fc.property(fc.array(fc.option(numbers), { minLength: 1, maxLength: 300 }), (values) => {
      const broken = inferred(values.length, numberColumn(values)).filter((one) => !holds(one, values));
      expect(broken).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('whatever the text is, it passes what was inferred from it', () => {
  const text = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string());
  fc.assert(
    fc.property(fc.array(fc.option(text), { minLength: 1, maxLength: 200 }), (values) => {
      const broken = inferred(values.length, textColumn(values)).filter((one) => !holds(one, values));
      expect(broken).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
