import { stat } from 'node:fs/promises';
import { checkFiles } from '../../../activities/gate/check-files.ts';
import {
  between,
  condition,
  drift,
  matches,
  monotonic,
  notNull,
  quantileBetween,
  unique,
} from '../../../domain/expect.ts';
import { openTables } from '../../../stores/tables.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

test('a file of twice the memory that DuckDB may take passes, and its bad rows are all found', async () => {
  const select = `SELECT range AS id, random() AS x, sha256('a' || range) AS one, sha256('b' || range) AS two,
    CASE WHEN range % 1000 = 0 THEN -1 ELSE 1 END AS sign FROM range(2000000)`;
  const path = await bench.parquet('large.parquet', select);
  expect((await stat(path)).size).toBeGreaterThan(2 * 128 * 2 ** 20 * 0.95);
  const tables = await openTables({ memoryLimit: '128MiB', temporaryFolder: `${bench.folder}/large` });
  try {
    const found = await checkFiles(tables, {
      files: [{ key: 'large.parquet', path }],
      schema: {
        dataset: 'things',
        quarantineUpTo: 0.01,
        expectations: [
          notNull('one'),
          matches('two', '[0-9a-f]{64}'),
          unique(['one', 'two']),
          between('sign', { min: 0 }),
          quantileBetween('x', 0.5, { min: 0.4, max: 0.6 }),
          monotonic('id', { direction: 'increasing', strict: true }),
          condition('unlike', 'one <> two'),
          drift('x', { statistic: 'psi', atMost: 0.1, against: 'previous' }),
        ],
      },
      environment: 'training',
      now: '2001-07-02T00:00:00.000Z',
      previousRows: null,
      reference: await bench.reference('SELECT random() AS x FROM range(5000)'),
      referenceFiles: async () => null,
      rowChecks: null,
      folder: bench.folder,
    });
    expect(found).toMatchObject({ decision: 'quarantine', rows: 2_000_000, badRows: 2_000 });
  } finally {
    tables.close();
  }
});
