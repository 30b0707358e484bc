import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrafficFiles } from '../../activities/release/traffic-tables.ts';
import type { TrafficRequest } from '../../activities/release/contract.ts';
import type { InferenceRow, LabelRow } from '../../domain/inference.ts';
import { literal, openTables } from '../../stores/tables.ts';

export const champion = { model: 'flights', modelVersion: '1', packageDigest: 'a' };
export const challenger = { model: 'flights', modelVersion: '2', packageDigest: 'b' };

const start = Date.parse('2001-03-01T00:00:00.000Z');

/** An answer of the champion, live, 5 ms, unless said otherwise; `second` is its time. */
export function answer(second: number, differing: Partial<InferenceRow> = {}): InferenceRow {
  const requestId = differing.requestId ?? `request-${second}`;
  return {
    requestId,
    subject: requestId,
    at: timeOf(second),
    endpoint: 'flights',
    epoch: 5,
    arm: 'champion',
    model: 'flights',
    modelVersion: '1',
    shadow: false,
    status: 200,
    error: null,
    latencyMs: 5,
    output: 0.2,
    record: '{}',
    features: '{}',
    answer: null,
    confidence: null,
    review: false,
    computeMs: 0,
    cost: null,
    caller: null,
    keyId: null,
    ...differing,
  };
}

export function label(requestId: string, value: number, second = 10_000): LabelRow {
  return { requestId, label: value, at: timeOf(second) };
}

export function timeOf(second: number): string {
  return new Date(start + second * 1000).toISOString();
}

export const trafficRequest: TrafficRequest = {
  endpoint: 'flights',
  champion,
  challenger,
  sinceEpoch: 5,
  since: timeOf(0),
  weights: [],
  guardrails: [],
};

/** Writes the Parquet files that the model server and the label log write. */
export async function writeTraffic(
  inference: readonly InferenceRow[],
  labels: readonly LabelRow[],
): Promise<TrafficFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-traffic-'));
  const columns = `{requestId: 'VARCHAR', subject: 'VARCHAR', "at": 'TIMESTAMP', endpoint: 'VARCHAR', epoch: 'INTEGER', arm: 'VARCHAR',
    model: 'VARCHAR', modelVersion: 'VARCHAR', shadow: 'BOOLEAN', status: 'INTEGER', error: 'VARCHAR', latencyMs: 'DOUBLE',
    output: 'DOUBLE', record: 'VARCHAR', features: 'VARCHAR'}`;
  const write = async (name: string, rows: readonly unknown[], types: string): Promise<readonly string[]> => {
    if (rows.length === 0) return [];
    const [json, parquet] = [join(folder, `${name}.json`), join(folder, `${name}.parquet`)];
    await writeFile(json, rows.map((row) => JSON.stringify(row)).join('\n'));
    const tables = await openTables();
    try {
      await tables.all(
        `COPY (SELECT * FROM read_json(${literal(json)}, format = 'newline_delimited', columns = ${types})) TO ${literal(parquet)}`,
      );
    } finally {
      tables.close();
    }
    return [parquet];
  };
  return {
    inference: await write('inference', inference, columns),
    labels: await write('labels', labels, `{requestId: 'VARCHAR', label: 'DOUBLE', "at": 'TIMESTAMP'}`),
  };
}
