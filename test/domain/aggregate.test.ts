import {
  type Aggregate,
  type Aggregates,
  aggregates,
  count,
  eventKey,
  foldWindow,
  max,
  mean,
  min,
  share,
  standardDeviation,
  sum,
  viewOf,
  windowOf,
} from '../../domain/aggregate.ts';

const window = { by: ['origin'], over: '3 hours' } as const;
const declared: Aggregates = aggregates({
  dataset: 'flights',
  time: 'date',
  gap: '8 hours',
  values: { delay: mean('delay', window) },
});
const hourMs = 3_600_000;

test('a window ends a gap before its moment and begins its length before that', () => {
  expect(windowOf(declared, 'delay', 100 * hourMs)).toEqual({ from: 89 * hourMs, before: 92 * hourMs });
});

test('keys tell apart what only looks alike, and leave text that needs no escape as it is', () => {
  const both: Aggregate = count({ by: ['a', 'b'], over: '1 day' });
  const keys = [
    eventKey(both, { a: 'x|', b: 'y' }),
    eventKey(both, { a: 'x', b: '|y' }),
    eventKey(both, { a: 'x%7C', b: 'y' }),
  ];
  expect(new Set(keys).size).toBe(3);
  expect(eventKey(both, { a: 'ORD', b: true })).toBe('ORD|true');
});

test.each([undefined, null, 5])('a key of %s is refused and its field named', (value) => {
  expect(() => eventKey(count(window), { origin: value })).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining("'origin'") }),
  );
});

test('an unknown aggregate is named beside those there are', () => {
  expect(() => windowOf(declared, 'toString', 0)).toThrow("'toString'. Declared are: delay");
});

test('a view is of its events, whatever is made of them over whatever time', () => {
  const other: Aggregates = { ...declared, gap: '1 ms', values: { most: max('delay', { ...window, over: '1 day' }) } };
  expect(viewOf(other, 'most')).toBe(viewOf(declared, 'delay'));
  const elsewhere: Aggregates = { ...declared, dataset: 'trains' };
  expect(viewOf(elsewhere, 'delay')).not.toBe(viewOf(declared, 'delay'));
});

test.each([
  [count(window), 8],
  [sum('x', window), 40],
  [mean('x', window), 5],
  [share('x', window), 5],
  [min('x', window), 2],
  [max('x', window), 9],
  // The textbook's eight numbers whose population standard deviation is 2.
  [standardDeviation('x', window), 2],
])('$function of eight values', (aggregate, expected) => {
  expect(foldWindow(aggregate, [2, 4, 4, 4, 5, 5, 7, 9])).toBe(expected);
});

test('nothing counts 0 and sums to 0; there is no mean, share, least, most or deviation of it', () => {
  const of = (make: (of: string, given: typeof window) => Aggregate) => foldWindow(make('x', window), []);
  expect([foldWindow(count(window), []), of(sum)]).toEqual([0, 0]);
  expect([mean, share, min, max, standardDeviation].map(of)).toEqual([null, null, null, null, null]);
});

test('a sum keeps what a plain one loses', () => {
  // Neumaier's own example, 1974: a plain sum gives 0.
  expect(foldWindow(sum('x', window), [1, 1e100, 1, -1e100])).toBe(2);
});
