import { between, notNull, oneOf, unique } from '../../../domain/expect.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

const numbers = (values: string) => `SELECT CAST(x AS DOUBLE) AS x FROM (VALUES ${values}) AS t(x)`;

describe('what the one scan asks instead of marking rows', () => {
  test('NaN, which DuckDB sorts above all numbers, neither breaks a maximum nor hides what does', async () => {
    const range = [between('x', { min: 0, max: 10 })];
    expect(await bench.codes(numbers("('1'), ('nan'), (NULL)"), range)).toEqual([]);
    expect(await bench.codes(numbers("('nan')"), range)).toEqual([]);
    expect(await bench.codes(numbers("('nan'), ('11'), ('-1'), ('-2')"), range)).toEqual([
      'FLOAT_TYPE_SMALL_FLOAT x 2',
      'FLOAT_TYPE_BIG_FLOAT x 1',
    ]);
    expect(await bench.codes("SELECT unnest(['11', 'nan', 'x', '3']) AS x", range)).toContain(
      'FLOAT_TYPE_BIG_FLOAT x 1',
    );
  });

  test('null and NaN are both missing, counted once each', async () => {
    expect(await bench.codes(numbers("('1'), ('nan'), (NULL), ('inf')"), [notNull('x')])).toEqual([
      'FEATURE_TYPE_LOW_FRACTION_PRESENT x 2',
    ]);
  });

  test.each([3, 50, 51, 400])(
    'of a list of %p values each is known, what is not is found, and null is neither',
    async (length) => {
      const values = Array.from({ length }, (_, place) => `it's "${place}"`);
      const known = "SELECT 'it''s \"' || i || '\"' AS x FROM range(0, 6000) AS t(i) WHERE i < " + String(length);
      expect(await bench.codes(`${known} UNION ALL SELECT NULL`, [oneOf('x', values)])).toEqual([]);
      expect(await bench.codes(`${known} UNION ALL SELECT 'new' FROM range(2)`, [oneOf('x', values)])).toEqual([
        'ENUM_TYPE_UNEXPECTED_STRING_VALUES x 2',
      ]);
    },
  );

  test('a key that repeats is found beside the other checks of the same scan, by any of its three ways', async () => {
    const rows = (key: string) =>
      `SELECT ${key} AS k, i AS n FROM range(100) AS t(i) UNION ALL SELECT NULL, 1 FROM range(3)`;
    for (const key of ['i', 'i * 1_000_000_007', "'k' || i"]) {
      expect(await bench.codes(rows(key), [unique(['k']), between('n', { max: 99 })])).toEqual([]);
    }
    for (const key of ['i % 90', '(i % 90) * 1_000_000_007', "'k' || (i % 90)"]) {
      expect(await bench.codes(rows(key), [unique(['k'])])).toEqual(['DUPLICATES k 10']);
    }
  });
});
