import { writeFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';

import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import type { RunKey } from '../domain/run.ts';
import { runFolder } from '../domain/run.ts';
import type { ObjectPin } from '../domain/snapshot.ts';
import type { MetricPoint } from '../domain/trainer.ts';
import type { TrainingRecord } from '../domain/training-record.ts';
import { sha256Hex } from './digest.ts';
import { parseDocument, writeBytesOnce } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';
import { literal, pathLiteral, type Tables } from './tables.ts';
import { readAttempts } from './training-attempts.ts';

const parallelReads = 8;

/** The columns of `metrics.parquet`. */
const columns = "{name: 'VARCHAR', step: 'BIGINT', value: 'DOUBLE', elapsedMs: 'DOUBLE'}";

/**
 * Writes `training.json` and pins it.
 *
 * @throws CodedError CONFLICT when another record stands at the key.
 */
export async function writeTrainingRecord(store: ObjectStore, key: string, record: TrainingRecord): Promise<ObjectPin> {
  const bytes = new TextEncoder().encode(canonicalJson(record));
  const { version } = await writeBytesOnce(store, key, bytes);
  return { key, s3VersionId: version.s3VersionId, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
}

/**
 * Reads the record that a trained model names.
 *
 * @throws CodedError NOT_FOUND when it is gone; EVIDENCE_ALTERED when other bytes stand there.
 */
export async function readTrainingRecord(store: ObjectStore, pin: ObjectPin): Promise<TrainingRecord> {
  const { bytes } = await store.read(pin.key, { s3VersionId: pin.s3VersionId });
  if (sha256Hex(bytes) !== pin.sha256)
    throw new CodedError(
      'EVIDENCE_ALTERED',
      `${pin.key} does not hold the training record that was written. Compare it with its other versions in the bucket.`,
      { details: { key: pin.key, s3VersionId: pin.s3VersionId } },
    );
  return parseDocument<TrainingRecord>(pin.key, bytes);
}

/** The records of all trainings of a run that came to a result, in the order in which they began. */
export async function listTrainingRecords(store: ObjectStore, run: RunKey): Promise<readonly TrainingRecord[]> {
  const artifacts = `${runFolder(run)}artifacts/`;
  const steps: string[] = [];
  for await (const { key } of store.list(artifacts)) {
    // A program may call a file of its own so; those lie in the folder of an attempt.
    if (key.endsWith('/attempt.json') && !/\/attempt-\d+\//.test(key.slice(artifacts.length)))
      steps.push(key.slice(artifacts.length, -'/attempt.json'.length));
  }
  const found = await mapParallel(steps, parallelReads, async (stepId): Promise<readonly TrainingRecord[]> => {
    const published = (await readAttempts(store, { run, stepId }))?.published ?? null;
    return published === null ? [] : [await readTrainingRecord(store, published.record)];
  });
  return found.flat().toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
}

/** Keeps the metric points up to a checkpoint: gzipped JSON, small and written often. */
export async function keepPointsSoFar(
  store: ObjectStore,
  key: string,
  points: readonly MetricPoint[],
): Promise<ObjectPin> {
  const bytes = gzipSync(canonicalJson(points));
  const { s3VersionId } = await store.write(key, bytes, { contentType: 'application/gzip' });
  return { key, s3VersionId, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
}

/** Reads what `keepPointsSoFar` kept; null where it is gone or altered: points are not worth a training. */
export async function readPointsSoFar(store: ObjectStore, pin: ObjectPin): Promise<readonly MetricPoint[] | null> {
  try {
    const { bytes } = await store.read(pin.key, { s3VersionId: pin.s3VersionId });
    return sha256Hex(bytes) === pin.sha256 ? parseDocument(pin.key, gunzipSync(bytes)) : null;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

/** Writes metric points as Parquet, in their order. `scratch` is a path that may be written beside it. */
export async function writeMetricPoints(
  tables: Tables,
  points: readonly MetricPoint[],
  { file, scratch }: { readonly file: string; readonly scratch: string },
): Promise<void> {
  await writeFile(scratch, points.map((point) => `${JSON.stringify(point)}\n`).join(''));
  const rows = `read_json(${pathLiteral(scratch)}, format = 'newline_delimited', columns = ${columns})`;
  await tables.all(`COPY (SELECT * FROM ${rows}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
}

/** Every metric point of a local `metrics.parquet`, in the order in which it was reported. */
export async function readMetricPoints(tables: Tables, file: string): Promise<readonly MetricPoint[]> {
  const rows = await tables.all(
    `SELECT name, step, value, elapsedMs FROM read_parquet(${pathLiteral(file)}, file_row_number = true) ORDER BY file_row_number`,
  );
  return rows.map((row) => ({
    name: String(row['name']),
    step: Number(row['step']),
    value: Number(row['value']),
    elapsedMs: Number(row['elapsedMs']),
  }));
}
