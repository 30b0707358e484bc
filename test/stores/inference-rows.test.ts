import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { readInferenceRows } from '../../stores/inference-rows.ts';
import { literal, openTables } from '../../stores/tables.ts';

const old = `SELECT 'old' AS "requestId", 's' AS subject, TIMESTAMP '2001-03-01 10:00:00' AS "at", 'flights' AS endpoint,
  CAST(4 AS BIGINT) AS epoch, 'champion' AS arm, 'm' AS model, '1' AS "modelVersion", false AS shadow, 200 AS status,
  CAST(NULL AS VARCHAR) AS error, 1.5::DOUBLE AS "latencyMs", 0.25::DOUBLE AS output, '{"a":1}' AS record, '{}' AS features`;

test('files that lack later columns read together with those that have them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-rows-'));
  const tables = await openTables();
  try {
    const store = createMemoryObjectStore();
    const later = `SELECT * REPLACE ('new' AS "requestId", TIMESTAMP '2001-03-01 10:30:00' AS "at"),
      '{"late":0.25}' AS answer, 0.75::DOUBLE AS confidence, true AS review, 0.5::DOUBLE AS "computeMs", CAST(NULL AS DOUBLE) AS cost,
      'key-1' AS caller, CAST(NULL AS VARCHAR) AS "keyId" FROM (${old})`;
    for (const [name, sql] of Object.entries({ old, later })) {
      const file = join(folder, `${name}.parquet`);
      await tables.all(`COPY (${sql}) TO ${literal(file)} (FORMAT parquet)`);
      await store.write(`inference/flights/dt=2001-03-01/hr=10/${name}-1.parquet`, { file });
    }
    const rows = [];
    const options = {
      endpoint: 'flights',
      cacheFolder: folder,
      since: '2001-03-01T00:00:00Z',
      until: '2001-03-02T00:00:00Z',
    };
    for await (const row of readInferenceRows(store, options)) rows.push(row);
    const same = {
      subject: 's',
      endpoint: 'flights',
      epoch: 4,
      arm: 'champion',
      model: 'm',
      modelVersion: '1',
      shadow: false,
      status: 200,
      error: null,
      latencyMs: 1.5,
      output: 0.25,
      record: '{"a":1}',
      features: '{}',
      cost: null,
      keyId: null,
    };
    expect(rows).toEqual([
      {
        ...same,
        requestId: 'old',
        at: '2001-03-01T10:00:00.000Z',
        answer: null,
        confidence: null,
        review: false,
        computeMs: 0,
        caller: null,
      },
      {
        ...same,
        requestId: 'new',
        at: '2001-03-01T10:30:00.000Z',
        answer: '{"late":0.25}',
        confidence: 0.75,
        review: true,
        computeMs: 0.5,
        caller: 'key-1',
      },
    ]);
  } finally {
    tables.close();
    await rm(folder, { recursive: true });
  }
});
