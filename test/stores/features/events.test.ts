import fc from 'fast-check';
import { type Aggregates, viewOf } from '../../../domain/aggregate.ts';
import { eventsSql } from '../../../stores/features/events.ts';
import { openTables, type TableRow, type Tables } from '../../../stores/tables.ts';
import { declared, type Event, event, keyOf, relationOf, valueOf } from './event-streams.ts';

let tables: Tables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const delays: Aggregates = {
  dataset: 'stream',
  time: 'at',
  gap: '0 ms',
  values: { total: { function: 'sum', of: 'value', by: ['place'], over: '1 day' } },
};

test('the events of a view are the rows that have a key and a finite value, each with an id of its own', async () => {
  await fc.assert(
    fc.asyncProperty(declared, fc.array(event, { maxLength: 30 }), async (aggregates, events) => {
      const [name = '', each] = Object.entries(aggregates.values)[0] ?? [];
      if (each === undefined) throw new Error('an aggregate is declared');
      const rows = await eventsOf(relationOf(events), aggregates, name);
      const expected = events
        .filter((one) => keyOf(each, one) !== null && valueOf(each, one) !== null)
        .map((one) => ({ key: keyOf(each, one), time: one.at, value: valueOf(each, one) }));
      expect(sorted(rows.map(({ key, time, value }) => ({ key, time, value })))).toEqual(sorted(expected));
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    }),
    { numRuns: 60 },
  );
}, 30_000);

test('equal rows of one relation are two events, and the same two when they come again', async () => {
  const twice = `(SELECT * EXCLUDE (n) FROM ${relationOf([flight, flight, { ...flight, value: 4 }])})`;
  const rows = await eventsOf(twice);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(3);
  expect(sorted(await eventsOf(twice))).toEqual(sorted(rows));
});

test('a row keeps its id beside other rows, in another order of columns, and with a new column that is null', async () => {
  const [alone] = await eventsOf(relationOf([flight]));
  const rest = relationOf([flight, { ...flight, place: 'b' }]);
  const moved = await eventsOf(`(SELECT value, NULL AS carrier, "at", flag, n, place FROM ${rest} ORDER BY n DESC)`);
  expect(moved.map(({ id }) => id)).toContain(alone?.['id']);
});

test('a row keeps its id when its columns are widened: whole numbers to fractions, dates to times', async () => {
  const of = (count: string, day: string) =>
    eventsOf(`(SELECT * REPLACE (CAST("value" AS ${count}) AS "value"), ${day} AS day FROM ${relationOf([flight])})`);
  const [narrow] = await of('BIGINT', "DATE '2001-02-03'");
  expect(narrow?.['id']).toBeDefined();
  for (const wide of ['INTEGER', 'DOUBLE', 'DECIMAL(18, 3)'])
    expect((await of(wide, "TIMESTAMP '2001-02-03'"))[0]).toMatchObject({ id: narrow?.['id'] });
});

test('rows that differ in any other column are two events', async () => {
  const rows = await eventsOf(relationOf([flight, { ...flight, flag: false }]));
  expect(new Set(rows.map(({ id }) => String(id).split('-')[0])).size).toBe(2);
});

test('windows of the same events share a view, a share has one of its own', () => {
  const aggregates: Aggregates = {
    ...delays,
    values: {
      mean: { function: 'mean', of: 'value', by: ['place'], over: '1 hour' },
      most: { function: 'max', of: 'value', by: ['place'], over: '1 day' },
      share: { function: 'share', of: 'value', by: ['place'], over: '1 day' },
      elsewhere: { function: 'mean', of: 'value', by: ['flag'], over: '1 hour' },
    },
  };
  expect(viewOf(aggregates, 'mean')).toBe(viewOf(aggregates, 'most'));
  expect(new Set(Object.keys(aggregates.values).map((name) => viewOf(aggregates, name))).size).toBe(3);
});

const flight: Event = { at: 5, place: 'a', flag: true, value: 3 };

function eventsOf(relation: string, aggregates = delays, name = 'total'): Promise<readonly TableRow[]> {
  return tables.all(eventsSql(aggregates, name, relation));
}

function sorted(rows: readonly object[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

test('an expression that looks at other events is refused', async () => {
  const next = { function: 'sum', of: 'lead(value) OVER (ORDER BY value)', by: ['place'], over: '1 day' } as const;
  const relation = `(SELECT TIMESTAMP '2001-01-01' AS "at", 'a' AS place, 1.0 AS value)`;
  await expect(eventsOf(relation, { ...delays, values: { next } }, 'next')).rejects.toThrow(/window functions/);
});
