import type { EncodedRows } from '../../domain/features.ts';
import type { ModelRun } from './loaded-model.ts';

/** Lays the rows of several callers one after another; all have the same widths. */
export function joinRows(parts: readonly EncodedRows[]): EncodedRows {
  let rows = 0;
  let length = 0;
  for (const part of parts) {
    rows += part.rows;
    length += part.numbers.length;
  }
  const numbers = new Float32Array(length);
  const categories: string[] = [];
  let at = 0;
  for (const part of parts) {
    numbers.set(part.numbers, at);
    at += part.numbers.length;
    for (const category of part.categories) categories.push(category);
  }
  return { rows, numbers, categories };
}

/**
 * Answers rows in several runs of at most `size` rows, one after another: a large request then takes no more memory than the largest run that
 * was measured, and lets others in between.
 *
 * @throws what `run` throws.
 */
export async function inChunks(
  rows: EncodedRows,
  size: number,
  run: (part: EncodedRows) => Promise<ModelRun>,
): Promise<ModelRun> {
  const numbers = rows.numbers.length / rows.rows;
  const categories = rows.categories.length / rows.rows;
  const runs: ModelRun[] = [];
  for (let from = 0; from < rows.rows; from += size) {
    const to = Math.min(from + size, rows.rows);
    const part = {
      rows: to - from,
      numbers: rows.numbers.slice(from * numbers, to * numbers),
      categories: rows.categories.slice(from * categories, to * categories),
    };
    runs.push(await run(part));
  }
  return joinRuns(runs);
}

function joinRuns(runs: readonly ModelRun[]): ModelRun {
  const outputs = new Float32Array(runs.reduce((length, run) => length + run.outputs.length, 0));
  let at = 0;
  let computeMs = 0;
  for (const run of runs) {
    outputs.set(run.outputs, at);
    at += run.outputs.length;
    computeMs += run.computeMs;
  }
  return { outputs, computeMs };
}
