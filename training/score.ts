import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { outputOf, type Signature } from '../domain/model-package.ts';
import { loadFeatureModule } from '../stores/feature-module.ts';
import { type LabelledRows, readLabelledRows } from './labelled-rows.ts';
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
  /** Columns of the data whose values come with the scores. */
  readonly by?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onRows?: (rows: number) => void;
};

/**
 * `outputs` is row-major [rows, width]; labels are 0 or 1, the number, or the place in `classes`, -1 for a class that training never saw.
 * `rowNumbers` names the scored rows among those that `where` lets through. Rows without a label or with a null field are left
 * out; two packages with the same record schema leave out the same rows.
 */
export type Scores = {
  readonly outputs: Float32Array;
  readonly width: number;
  readonly labels: Float64Array;
  /** Null where the target is not multiclass. */
  readonly classes: readonly string[] | null;
  readonly rowNumbers: Uint32Array;
  /** By column a value a row, as text; null stays null. */
  readonly by: Readonly<Record<string, readonly (string | null)[]>>;
  /** The same of rows that have a label but lack a field of the record. */
  readonly refused: Readonly<Record<string, readonly (string | null)[]>>;
};

type Batch = Omit<LabelledRows, 'rows' | 'skipped'> & { readonly outputs: Float32Array };

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
    return joined(await scoreBatches(options, signature, session), signature, options.by ?? []);
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
  const by = options.by ?? [];
  const batches: Batch[] = [];
  let scored = 0;
  const query = { ...options, target: signature.target, features };
  await withRows(query, { ...options, by, memoryLimit: '512MiB' }, async (tables, ready) => {
    const read = readLabelledRows(tables, ready, signature, { by, classes: signature.classes ?? [] });
    for await (const { rows, ...labelled } of read) {
      options.signal?.throwIfAborted();
      batches.push({ ...labelled, outputs: await session.predict(rows) });
      scored += rows.rows;
      options.onRows?.(scored);
      await setImmediate();
    }
  });
  return batches;
}

function joined(batches: readonly Batch[], signature: Signature, by: readonly string[]): Scores {
  const { width } = outputOf(signature);
  const rows = batches.reduce((sum, batch) => sum + batch.labels.length, 0);
  const outputs = new Float32Array(rows * width);
  const labels = new Float64Array(rows);
  const rowNumbers = new Uint32Array(rows);
  let next = 0;
  for (const batch of batches) {
    outputs.set(batch.outputs, next * width);
    labels.set(batch.labels, next);
    rowNumbers.set(batch.rowNumbers, next);
    next += batch.labels.length;
  }
  const valuesOf = (part: 'by' | 'refused') =>
    Object.fromEntries(
      by.map((name, column) => [name, batches.flatMap((batch) => batch[part][column] ?? [])] as const),
    );
  const classes = signature.classes ?? null;
  return { outputs, width, labels, classes, rowNumbers, by: valuesOf('by'), refused: valuesOf('refused') };
}
