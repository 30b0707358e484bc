import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Signature } from '../domain/model-package.ts';
import { loadFeatureModule } from '../stores/feature-module.ts';
import { readLabelledRows } from './labelled-rows.ts';
import { type OnnxSession, openOnnxSession } from './onnx-session.ts';
import { withRows } from './with-rows.ts';

/** Which package scores which rows. `workFolder` may hold them for a while; `onRows` hears the number of rows scored so far. */
export type ScoreOptions = {
  readonly packageFolder: string;
  readonly parquetFiles: readonly string[];
  /** The dataset that the files are of; aggregates must be of the same. */
  readonly dataset: string;
  readonly workFolder: string;
  readonly where: string;
  readonly signal?: AbortSignal;
  readonly onRows?: (rows: number) => void;
};

/**
 * `rowNumbers` names the scored rows among those that `where` lets through. Rows without a label or with a null field are left
 * out; two packages with the same record schema leave out the same rows.
 */
export type Scores = {
  readonly probabilities: Float32Array;
  readonly labels: Uint8Array;
  readonly rowNumbers: Uint32Array;
};

type Batch = { readonly probabilities: Float32Array; readonly labels: Uint8Array; readonly rowNumbers: Uint32Array };

/**
 * Scores labelled rows with a model package, in file order, so that two packages scored on the same slice are paired.
 * It works in batches of up to 2048 rows and yields to the event loop after each, for heartbeats and cancellation.
 *
 * @throws CodedError MODEL_INVALID, FEATURES_INVALID, DATA_UNREADABLE or INPUT_INVALID; the signal's reason when it is aborted.
 */
export async function scoreRows(options: ScoreOptions): Promise<Scores> {
  const signature: Signature = JSON.parse(await readFile(join(options.packageFolder, 'signature.json'), 'utf8'));
  const session = await openOnnxSession(options.packageFolder, signature);
  try {
    return joined(await scoreBatches(options, signature, session));
  } finally {
    await session.close();
  }
}

async function scoreBatches(
  options: ScoreOptions,
  signature: Signature,
  session: OnnxSession,
): Promise<readonly Batch[]> {
  const features = await loadFeatureModule(join(options.packageFolder, 'features.mjs'));
  const batches: Batch[] = [];
  let scored = 0;
  const query = { ...options, target: signature.target, features };
  await withRows(query, { ...options, memoryLimit: '512MiB' }, async (tables, ready) => {
    for await (const { rows, labels, rowNumbers } of readLabelledRows(tables, ready, signature)) {
      options.signal?.throwIfAborted();
      batches.push({ probabilities: await session.predict(rows), labels, rowNumbers });
      scored += rows.rows;
      options.onRows?.(scored);
      await setImmediate();
    }
  });
  return batches;
}

function joined(batches: readonly Batch[]): Scores {
  const rows = batches.reduce((sum, batch) => sum + batch.labels.length, 0);
  const probabilities = new Float32Array(rows);
  const labels = new Uint8Array(rows);
  const rowNumbers = new Uint32Array(rows);
  let next = 0;
  for (const batch of batches) {
    probabilities.set(batch.probabilities, next);
    labels.set(batch.labels, next);
    rowNumbers.set(batch.rowNumbers, next);
    next += batch.labels.length;
  }
  return { probabilities, labels, rowNumbers };
}
