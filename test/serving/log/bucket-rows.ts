import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { InferenceRow } from '../../../domain/inference.ts';
import type { LogCollectorOptions } from '../../../serving/log/collector.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { readInferenceRows } from '../../../stores/inference-rows.ts';

/** All rows of an endpoint's log that are in the bucket. */
export async function rowsOf(store: ObjectStore, endpoint = 'flights'): Promise<readonly InferenceRow[]> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'perdura-log-rows-'));
  const rows: InferenceRow[] = [];
  const options = { endpoint, cacheFolder, since: '1970-01-01T00:00:00Z', until: '2100-01-01T00:00:00Z' };
  try {
    for await (const row of readInferenceRows(store, options)) rows.push(row);
    return rows;
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

/** What a collector of a test is opened with; what it reports is an error of the test unless it gives a list for it. */
export function collectorOptions(folder: string, differing: Partial<LogCollectorOptions> = {}): LogCollectorOptions {
  return {
    store: createMemoryObjectStore(),
    folder,
    replica: 'one',
    retryWindowMs: 500,
    onUploaded: () => undefined,
    report: (line) => {
      throw new Error(line);
    },
    ...differing,
  };
}
