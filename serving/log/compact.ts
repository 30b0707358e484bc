import { createReadStream } from 'node:fs';
import { CodedError } from '../../domain/errors.ts';
import type { InferenceRow, LabelRow } from '../../domain/inference.ts';
import { identifier, literal, type Tables } from '../../stores/tables.ts';
import type { LogKind, Segment } from './segment.ts';

const inferenceColumns: Readonly<Record<keyof InferenceRow, string>> = {
  requestId: 'VARCHAR',
  subject: 'VARCHAR',
  at: 'TIMESTAMP',
  endpoint: 'VARCHAR',
  epoch: 'BIGINT',
  arm: 'VARCHAR',
  model: 'VARCHAR',
  modelVersion: 'VARCHAR',
  shadow: 'BOOLEAN',
  status: 'INTEGER',
  error: 'VARCHAR',
  latencyMs: 'DOUBLE',
  output: 'DOUBLE',
  record: 'VARCHAR',
  features: 'VARCHAR',
  answer: 'VARCHAR',
  confidence: 'DOUBLE',
  review: 'BOOLEAN',
  computeMs: 'DOUBLE',
  cost: 'DOUBLE',
  caller: 'VARCHAR',
  keyId: 'VARCHAR',
};
const labelColumns: Readonly<Record<keyof LabelRow, string>> = {
  requestId: 'VARCHAR',
  label: 'DOUBLE',
  at: 'TIMESTAMP',
};
const columnsOf: Readonly<Record<LogKind, Readonly<Record<string, string>>>> = {
  inference: inferenceColumns,
  labels: labelColumns,
};

/** What DuckDB takes unless told otherwise; its buffers grow with it. */
const usualObjectBytes = 16 * 1024 * 1024;

/**
 * Turns a segment into Parquet and counts its rows. A line that a crash tore off was never answered and is left out; every whole line
 * must come through. Columns are named, not sniffed: a segment of nulls must have the types of all others. The lowest level of zstd takes a
 * third less time here than the usual one, and the file is as small.
 *
 * @throws CodedError DATA_UNREADABLE when a whole line did not become a row.
 */
export async function compactSegment(tables: Tables, segment: Segment, parquetFile: string): Promise<number> {
  const columns = Object.entries(columnsOf[segment.kind]);
  const types = columns.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ');
  const names = columns.map(([name]) => identifier(name)).join(', ');
  const { lines, longestBytes } = await measureLines(segment.file);
  // DuckDB turns a torn line into a row of nulls.
  const [answer] = await tables.all(
    `COPY (SELECT ${names} FROM read_json(${literal(segment.file)}, format = 'newline_delimited', ignore_errors = true,
       maximum_object_size = ${Math.max(usualObjectBytes, longestBytes)}, columns = {${types}}) WHERE "requestId" IS NOT NULL)
     TO ${literal(parquetFile)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
  );
  const rows = Number(answer?.['Count']);
  if (rows !== lines) {
    throw new CodedError(
      'DATA_UNREADABLE',
      `Log segment ${segment.file} has ${lines} whole lines, of which ${rows} became rows. It is set aside; look at its lines.`,
    );
  }
  return rows;
}

/** Whole lines, and how long the longest is: DuckDB refuses a whole file for one line that is longer than it was told. */
async function measureLines(file: string): Promise<{ readonly lines: number; readonly longestBytes: number }> {
  let [lines, longestBytes, begun] = [0, 0, 0];
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    let start = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, start)) {
      lines += 1;
      longestBytes = Math.max(longestBytes, begun + at + 1 - start);
      begun = 0;
      start = at + 1;
    }
    begun += chunk.length - start;
  }
  return { lines, longestBytes: Math.max(longestBytes, begun) };
}
