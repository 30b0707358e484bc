import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributionAggregates, profilesOf } from '../../../activities/gate/distribution-scan.ts';
import { profileWindow } from '../../../domain/drift/profile-window.ts';
import type { CategoryProfile, NumberProfile } from '../../../domain/drift-report.ts';
import type { Column, ColumnType } from '../../../domain/snapshot.ts';
import { identifier, literal, openTables, type Tables } from '../../../stores/tables.ts';

let tables: Tables;

beforeAll(async () => {
  tables = await openTables();
});

afterAll(() => tables.close());

const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, -Number.MAX_VALUE];
const numbers = fc.array(
  fc.option(fc.oneof(fc.constantFrom(0, -0, 1, 1.5, 2, 5e-324, -5e-324, ...special), fc.double())),
  { maxLength: 60 },
);
const edges = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 1.5, 2), fc.double({ noNaN: true, min: -1e300, max: 1e300 })), {
    maxLength: 12,
  })
  .map((some) => some.toSorted((a, b) => a - b));

describe('counts over stored edges in the one scan', () => {
  // The oracle is profileWindow: the monitor counts the same edges value by value.
  test('number columns are counted as the monitor counts them: ties, equal edges, NaN and infinities included', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, edges, fc.boolean(), async (values, found, closed) => {
        const profile = numberProfile(found, closed);
        expect(await counted(profile, { type: 'number', sql: 'DOUBLE', values: values.map(text) })).toEqual(
          monitored(profile, values),
        );
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  test('text columns are counted as the monitor counts them: quotes, empty text and values that were never seen included', async () => {
    const some = fc.array(fc.option(fc.constantFrom('a', 'b', "o'Hare", '', 'Zürich', '"', "'); DROP TABLE x; --")), {
      maxLength: 40,
    });
    const known = fc.uniqueArray(fc.constantFrom('a', "o'Hare", '', '"', 'none', "'); DROP TABLE x; --"));
    await fc.assert(
      fc.asyncProperty(some, known, async (values, listed) => {
        const profile = categoryProfile(listed);
        expect(await counted(profile, { type: 'string', sql: 'VARCHAR', values })).toEqual(monitored(profile, values));
      }),
      { numRuns: 40, seed: 4 },
    );
  });

  test('integers, small floats, timestamps and numbers that arrive as text are counted over the same edges', async () => {
    const profile = numberProfile([10, 20.5], false);
    const like = (counts: readonly number[], missing: number) => ({ ...profile, counts, missing });
    const one = (sql: string, type: ColumnType, values: readonly (string | null)[]) =>
      counted(profile, { type, sql, values });
    expect(await one('TINYINT', 'integer', ['-3', '10', '20', '21', null])).toEqual(like([1, 2, 1], 1));
    expect(await one('UBIGINT', 'integer', ['18446744073709551615', '9'])).toEqual(like([1, 0, 1], 0));
    expect(await one('DECIMAL(6,2)', 'number', ['9.99', '20.49', '20.50'])).toEqual(like([1, 1, 1], 0));
    expect(await one('FLOAT', 'number', ['10', 'nan', '-inf', '3e38'])).toEqual(like([0, 1, 1], 2));
    expect(await one('VARCHAR', 'string', ['10', ' 3 ', 'ten', '', null, 'inf'])).toEqual(like([1, 1, 0], 4));
    const at = ['1970-01-01 00:00:00.009', '1970-01-01 00:00:00.010', '1970-01-01 00:00:00.021', 'infinity', null];
    expect(await one('TIMESTAMP', 'timestamp', at)).toEqual(like([1, 1, 1], 2));
    expect(await one('TIMESTAMPTZ', 'timestamp', ['1970-01-01 01:00:00.010+01'])).toEqual(like([0, 1, 0], 0));
    expect(await one('DATE', 'timestamp', ['1970-01-01', '1970-01-02'])).toEqual(like([1, 0, 1], 0));
  });

  test('booleans are counted by their words', async () => {
    const profile = categoryProfile(['false', 'true']);
    const values = ['true', 'false', 'true', null];
    expect(await counted(profile, { type: 'boolean', sql: 'BOOLEAN', values })).toMatchObject({
      counts: [1, 2],
      unseen: 0,
      missing: 1,
    });
    expect(await counted(categoryProfile(['true']), { type: 'boolean', sql: 'BOOLEAN', values })).toMatchObject({
      counts: [2],
      unseen: 1,
    });
  });

  test('several columns, and one column over two references, are counted side by side; nested values have no counts', async () => {
    const columns = [
      { column: { name: 'a "b"', type: 'integer' }, profile: numberProfile([2], false) },
      { column: { name: 'a "b"', type: 'integer' }, profile: numberProfile([3], false) },
      { column: { name: 'list', type: 'other' }, profile: numberProfile([3], false) },
      { column: { name: 'list', type: 'other' }, profile: categoryProfile(['x']) },
      { column: { name: 'c', type: 'string' }, profile: categoryProfile(['x']) },
    ] as const;
    const row = await scanned(
      `(VALUES (1, [1], 'x'), (2, [2], 'y'), (3, NULL, 'x')) AS t("a ""b""", list, c)`,
      columns,
    );
    expect(profilesOf(row, columns).map((profile) => profile?.counts ?? null)).toEqual([
      [1, 2],
      [2, 1],
      null,
      null,
      [2],
    ]);
  });

  test('a value that no file has leaves every bin empty', async () => {
    const profile = numberProfile([1, 2], false);
    expect(await counted(profile, { type: 'number', sql: 'DOUBLE', values: [] })).toEqual({
      ...profile,
      counts: [0, 0, 0],
      missing: 0,
    });
    expect(distributionAggregates([])).toEqual([]);
  });

  test('in a Parquet file, where text is a dictionary, the counts are the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perdura-distribution-'));
    try {
      const path = join(folder, 'some.parquet');
      await tables.all(
        `COPY (SELECT (['a', 'b', NULL])[1 + i % 3] AS c, i % 7 AS n FROM range(70_000) AS t(i)) TO ${literal(path)} (FORMAT parquet)`,
      );
      const columns = [
        { column: { name: 'c', type: 'string' }, profile: categoryProfile(['a']) },
        { column: { name: 'n', type: 'integer' }, profile: numberProfile([0, 3, 3, 6], false) },
      ] as const;
      const [texts, integers] = profilesOf(await scanned(`read_parquet(${literal(path)})`, columns), columns);
      expect(texts).toMatchObject({ counts: [23_334], unseen: 23_333, missing: 23_333 });
      expect(integers).toMatchObject({ counts: [0, 30_000, 0, 30_000, 10_000], missing: 0 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

type Given = { readonly type: ColumnType; readonly sql: string; readonly values: readonly (string | null)[] };

async function counted(profile: NumberProfile | CategoryProfile, given: Given) {
  const columns = [{ column: { name: 'v', type: given.type } satisfies Column, profile }];
  const rows = given.values.map((value) => `(${value === null ? 'NULL' : literal(value)})`);
  const list = rows.length === 0 ? '(SELECT NULL WHERE false) AS t(v)' : `(VALUES ${rows.join(', ')}) AS t(v)`;
  const cast = given.sql === 'VARCHAR' ? 'CAST(v AS VARCHAR)' : `CAST(v AS ${given.sql})`;
  const [only] = profilesOf(await scanned(`(SELECT ${cast} AS v FROM ${list})`, columns), columns);
  return only;
}

async function scanned(relation: string, columns: Parameters<typeof distributionAggregates>[0]) {
  const aggregates = distributionAggregates(columns).map(({ name, sql }) => `${sql} AS ${identifier(name)}`);
  const [row = {}] = await tables.all(`SELECT ${aggregates.join(', ')} FROM ${relation}`);
  return row;
}

function monitored(profile: NumberProfile | CategoryProfile, values: readonly (number | string | null)[]) {
  const nothing: NumberProfile = { kind: 'number', edges: [], counts: [0], missing: 0 };
  const reference = { rows: 0, features: { v: profile }, prediction: nothing, labelShare: 0 };
  return profileWindow(
    reference,
    values.map((value) => ({ features: { v: value }, prediction: 0 })),
  ).features['v'];
}

function numberProfile(found: readonly number[], closed: boolean): NumberProfile {
  const bounded = closed && found.length >= 2;
  const counts = Array.from({ length: bounded ? found.length - 1 : found.length + 1 }, () => 0);
  return { kind: 'number', edges: found, counts, missing: 0 };
}

function categoryProfile(values: readonly string[]): CategoryProfile {
  return { kind: 'category', values, counts: values.map(() => 0), unseen: 0, missing: 0 };
}

function text(value: number | null): string | null {
  if (value === null) return null;
  return Object.is(value, -0) ? '-0.0' : String(value);
}
