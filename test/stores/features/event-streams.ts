import fc from 'fast-check';
import { type Aggregate, type Aggregates, eventKey, foldWindow, windowOf } from '../../../domain/aggregate.ts';
import { pastColumn } from '../../../stores/features/as-of-join.ts';
import { literal, type TableRow } from '../../../stores/tables.ts';

/** One row of a random stream. */
export type Event = {
  readonly at: number;
  readonly place: string | null;
  readonly flag: boolean | null;
  readonly value: number | null;
};

/** Few keys, many ties, awkward text: what goes wrong, goes wrong there. */
const places = ['a', 'b', '', '|', 'a|', '%7C', "o'k", 'é "quoted"', '\u000b'];

export const event: fc.Arbitrary<Event> = fc.record({
  at: fc.integer({ min: 0, max: 120 }),
  place: fc.option(fc.constantFrom(...places), { freq: 12 }),
  flag: fc.option(fc.boolean(), { freq: 12 }),
  value: fc.option(
    fc.oneof(
      fc.integer({ min: -50, max: 50 }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => (value === 0 ? 0 : value)),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
    ),
    { freq: 8 },
  ),
});

const aggregate: fc.Arbitrary<Aggregate> = fc
  .record({
    function: fc.constantFrom(
      ...(['count', 'sum', 'mean', 'share', 'min', 'max', 'standardDeviation'] satisfies Aggregate['function'][]),
    ),
    by: fc.constantFrom(['place'], ['flag'], ['place', 'flag'], ['flag', 'place'], []),
    overMs: fc.integer({ min: 1, max: 40 }),
  })
  .map(({ function: kind, by, overMs }) => ({
    function: kind,
    of: { count: 'true', share: 'value > 3 -- above' }[kind as string] ?? 'value',
    by,
    over: `${overMs} ms`,
  }));

export const declared: fc.Arbitrary<Aggregates> = fc
  .record({ gapMs: fc.integer({ min: 0, max: 30 }), list: fc.array(aggregate, { minLength: 1, maxLength: 4 }) })
  .map(({ gapMs, list }) => ({
    dataset: 'stream',
    time: 'at',
    gap: `${gapMs} ms`,
    values: Object.fromEntries(list.map((each, index) => [`a "${index}"`, each])),
  }));

/** The stream as SQL, with a column `n` that numbers its rows. */
export function relationOf(events: readonly Event[]): string {
  const rows = events.map(({ at, place, flag, value }, n) => {
    // As text: DuckDB reads a bare number through its decimals, which may cost the last bit.
    const number = value === null ? 'NULL' : literal(String(value));
    return `(${n}, make_timestamp_ms(${at}), CAST(${place === null ? 'NULL' : literal(place)} AS VARCHAR), CAST(${flag} AS BOOLEAN), CAST(${number} AS DOUBLE))`;
  });
  const none = `SELECT 0, make_timestamp_ms(0), '', true, CAST(0 AS DOUBLE) WHERE false`;
  return `(SELECT * FROM (${rows.length === 0 ? none : `VALUES ${rows.join(', ')}`}) AS stream(n, "at", place, flag, value))`;
}

/** What a row sees, by going through all events with the functions that serving uses; undefined for a row that asks with a null. */
export function naivePast(
  declaration: Aggregates,
  asks: Event,
  events: readonly Event[],
): Readonly<Record<string, number | null | undefined>> {
  return Object.fromEntries(
    Object.entries(declaration.values).map(([name, each]) => {
      if (keyOf(each, asks) === null) return [name, undefined];
      const { from, before } = windowOf(declaration, name, asks.at);
      const seen = events.filter(
        (one) =>
          keyOf(each, one) === keyOf(each, asks) && one.at >= from && one.at < before && valueOf(each, one) !== null,
      );
      return [
        name,
        foldWindow(
          each,
          seen.map((one) => valueOf(each, one) ?? 0),
        ),
      ];
    }),
  );
}

/** The columns of a joined row, by aggregate. */
export function pastOf(declaration: Aggregates, row: TableRow | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.keys(declaration.values).map((name) => [name, row?.[pastColumn(name)]]));
}

/** Key of an event as a record would have it; null where a part of it is. */
export function keyOf(each: Aggregate, one: Event): string | null {
  return each.by.some((name) => one[name as 'place' | 'flag'] === null) ? null : eventKey(each, one);
}

export function valueOf(each: Aggregate, { value }: Event): number | null {
  if (each.function === 'count') return 1;
  if (value === null) return null;
  // DuckDB sorts NaN above every number, as `share`'s condition sees it.
  if (each.function === 'share') return Number.isNaN(value) || value > 3 ? 1 : 0;
  return Number.isFinite(value) ? value : null;
}
