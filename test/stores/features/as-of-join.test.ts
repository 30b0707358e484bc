import fc from 'fast-check';
import type { Aggregates } from '../../../domain/aggregate.ts';
import { asOfJoinSql, pastColumn } from '../../../stores/features/as-of-join.ts';
import { openTables, type TableRow, type Tables } from '../../../stores/tables.ts';
import { declared, type Event, event, naivePast, pastOf, relationOf } from './event-streams.ts';

let tables: Tables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const stream = fc.array(event, { maxLength: 40 });

test('each row sees what going through all events finds, and keeps its other columns', async () => {
  await fc.assert(
    fc.asyncProperty(declared, stream, async (aggregates, events) => {
      const rows = await joined({ aggregates, rows: relationOf(events), events: null });
      expect(rows.map((row) => row['value'])).toEqual(events.map(({ value }) => value));
      expect(unlike(aggregates, rows, { asking: events, events })).toEqual([]);
    }),
    { numRuns: 150 },
  );
}, 30_000);

test('rows of another relation see the same events', async () => {
  await fc.assert(
    fc.asyncProperty(declared, stream, stream, async (aggregates, asking, events) => {
      const rows = await joined({ aggregates, rows: relationOf(asking), events: relationOf(events) });
      expect(unlike(aggregates, rows, { asking, events })).toEqual([]);
    }),
    { numRuns: 100 },
  );
}, 30_000);

test('whatever changes at or after T - gap, a row at T sees the same', async () => {
  const change = fc.record({ at: fc.nat(80), value: fc.integer(), place: fc.constantFrom('a', 'b', null) });
  await fc.assert(
    fc.asyncProperty(
      declared,
      stream,
      fc.nat(120),
      fc.infiniteStream(change),
      async (aggregates, events, at, changes) => {
        const gapMs = Number.parseInt(aggregates.gap, 10);
        const changed = events.map((one) => {
          if (one.at < at - gapMs) return one;
          const next = changes.next().value;
          return { ...one, value: next.value, place: next.place, at: at - gapMs + next.at };
        });
        const asking = ['a', 'b', ''].flatMap((place) => [true, false].map((flag) => ({ at, place, flag, value: 1 })));
        const before = await joined({ aggregates, rows: relationOf(asking), events: relationOf(events) });
        const after = await joined({ aggregates, rows: relationOf(asking), events: relationOf(changed) });
        expect(after).toEqual(before);
      },
    ),
    { numRuns: 150 },
  );
}, 30_000);

test('a value that differs only in the last digits is summed alike in whatever order', async () => {
  const events = Array.from({ length: 3_000 }, (_, index) => ({
    at: index % 7,
    place: 'a',
    flag: true,
    value: (index % 2 === 0 ? 1 : -1) * 1e9 + index / 7,
  }));
  const aggregates: Aggregates = {
    dataset: 'stream',
    time: 'at',
    gap: '1 ms',
    values: { total: { function: 'sum', of: 'value', by: ['place'], over: '100 ms' } },
  };
  const asking = [{ at: 50, place: 'a', flag: true, value: null }];
  const [row] = await joined({ aggregates, rows: relationOf(asking), events: relationOf(events) });
  // The exact sum: the large parts cancel, and 0 + 1 + ... + 2999 is 4,498,500.
  expect(row?.[pastColumn('total')]).toBeCloseTo(4_498_500 / 7, 4);
});

test('an expression with an error in it says so instead of becoming null', async () => {
  const aggregates: Aggregates = {
    dataset: 'stream',
    time: 'at',
    gap: '0 ms',
    values: { total: { function: 'sum', of: 'no_such_column', by: ['place'], over: '1 day' } },
  };
  const rows = relationOf([{ at: 0, place: 'a', flag: true, value: 1 }]);
  await expect(joined({ aggregates, rows, events: null })).rejects.toThrow('no_such_column');
});

async function joined(join: Parameters<typeof asOfJoinSql>[0]): Promise<readonly TableRow[]> {
  return tables.all(`SELECT * FROM (${asOfJoinSql(join)}) ORDER BY n`);
}

/** What rows see otherwise than `naivePast`. */
function unlike(
  aggregates: Aggregates,
  rows: readonly TableRow[],
  given: { readonly asking: readonly Event[]; readonly events: readonly Event[] },
): readonly unknown[] {
  if (rows.length !== given.asking.length) return [`${rows.length} rows for ${given.asking.length}`];
  return given.asking.flatMap((asks, index) => {
    const past = pastOf(aggregates, rows[index]);
    return Object.entries(naivePast(aggregates, asks, given.events)).filter(
      ([name, expected]) => expected !== undefined && !alike(past[name], expected),
    );
  });
}

/** Values go up to 1e6: alike to nine digits of the largest. */
function alike(found: unknown, expected: number | null): boolean {
  if (expected === null || typeof found !== 'number') return found === expected;
  return Math.abs(found - expected) < 1e-9 * (1e6 + Math.abs(expected));
}

test.each(['rows that are the events', 'other events'])(
  'an expression that looks at other events, which may lie in the future, is refused: %s',
  async (which) => {
    const next = { function: 'sum', of: 'lead(value) OVER (ORDER BY value)', by: ['place'], over: '1 day' } as const;
    const aggregates: Aggregates = { dataset: 'stream', time: 'at', gap: '0 ms', values: { next } };
    const rows = `(SELECT TIMESTAMP '2001-01-01' AS "at", 'a' AS place, 1.0 AS value)`;
    const events = which === 'other events' ? rows : null;
    await expect(joined({ aggregates, rows, events })).rejects.toThrow(/window functions/);
  },
);
