import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { integerSpan, mayRepeat, repeatsSql, uniqueAggregates } from '../../../activities/gate/unique-scan.ts';
import type { Column } from '../../../domain/snapshot.ts';
import { describeFiles, type Layout } from '../../../stores/snapshots/describe-files.ts';
import { literal, openTables, type Tables } from '../../../stores/tables.ts';
import { rowsSql, scan } from '../../../activities/gate/scan.ts';

let tables: Tables;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-unique-'));
  tables = await openTables({ temporaryFolder: join(folder, 'spill') });
});

afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

const integer = (name: string): Column => ({ name, type: 'integer' });
const string = (name: string): Column => ({ name, type: 'string' });

describe('uniqueness in the one scan', () => {
  test('what repeats is counted as a set in JavaScript counts it, for one column and several, by bitmap, value and hash', async () => {
    const row = fc.tuple(fc.option(fc.integer({ min: -3, max: 40 })), fc.option(fc.constantFrom('a', "b'", '')));
    const cases = [[integer('n')], [string('s')], [integer('n'), string('s')]] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
        const layout = await written(
          `(VALUES ${rows.map(([n, s]) => `(CAST(${n} AS INTEGER), CAST(${s === null ? 'NULL' : literal(s)} AS VARCHAR))`).join(', ')}) AS t(n, s)`,
        );
        for (const columns of cases) {
          const keys = rows.map(([n, s]) => columns.map(({ name }) => (name === 'n' ? n : s)));
          const complete = keys.filter((key) => !key.includes(null)).map((key) => JSON.stringify(key));
          const expected = complete.length - new Set(complete).size;
          const span = await integerSpan(tables, layout, columns);
          expect(await repeats(layout, repeatsSql(columns, span))).toBe(expected);
          expect(await repeats(layout, repeatsSql(columns, null))).toBe(expected);
        }
      }),
      { numRuns: 15, seed: 4 },
    );
  });

  test('a bitmap is for values that lie close together', async () => {
    expect(repeatsSql([integer('n')], { min: 1, max: 1_000, rows: 1_000 })).toContain('bitstring_agg');
    expect(repeatsSql([integer('n')], { min: 1, max: 2 ** 40, rows: 1_000 })).toContain('DISTINCT');
    expect(repeatsSql([integer('n')], { min: -(2 ** 60), max: 2 ** 60, rows: 1e9 })).toContain('DISTINCT');
  });

  test('each expectation is told by its own aggregate, and one on a column that is missing by none', async () => {
    const layout = await written(`(SELECT i % 4 AS n, 's' || i AS s FROM range(10) AS t(i))`);
    const twice = { kind: 'unique', columns: ['n'] } as const;
    const once = { kind: 'unique', columns: ['n', 's'] } as const;
    const absent = { kind: 'unique', columns: ['none'] } as const;
    const more = await uniqueAggregates(tables, layout, [twice, once, absent, twice]);
    const { row } = await scan(tables, layout, { checks: [], more });
    expect(more).toHaveLength(2);
    expect([twice, once, absent].map((expectation) => mayRepeat(row, expectation))).toEqual([true, false, false]);
  });

  test('keys beyond the memory limit spill to disk and are counted right', async () => {
    const layout = await written(`(SELECT CAST(i * 1_000_003 AS BIGINT) AS n FROM range(3_000_000) AS t(i))`);
    const small = await openTables({ memoryLimit: '64MiB', temporaryFolder: join(folder, 'small') });
    try {
      const [row = {}] = await small.all(`SELECT ${repeatsSql([integer('n')], null)} AS n FROM ${rowsSql(layout)}`);
      expect(row['n']).toBe(0);
    } finally {
      small.close();
    }
  });
});

let files = 0;

async function written(relation: string): Promise<Layout> {
  const path = join(folder, `${(files += 1)}.parquet`);
  await tables.all(`COPY (SELECT * FROM ${relation}) TO ${literal(path)} (FORMAT parquet)`);
  return describeFiles(tables, [{ key: 'one.parquet', path }]);
}

async function repeats(layout: Layout, sql: string): Promise<unknown> {
  const [row = {}] = await tables.all(`SELECT ${sql} AS n FROM ${rowsSql(layout)}`);
  return row['n'];
}
