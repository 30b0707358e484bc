import type { ScoredRows } from './metrics.ts';

/** The column with the highest probability of one row; of equal ones the first. */
export function mostLikely(outputs: ArrayLike<number>, row: number, width: number): number {
  let best = 0;
  for (let column = 1; column < width; column++)
    if ((outputs[row * width + column] ?? 0) > (outputs[row * width + best] ?? 0)) best = column;
  return best;
}

/**
 * The class that each row is given: multiclass the most likely one, binary 1 from the threshold on. The threshold is rounded to FP32 as
 * the answers are: an answer of 0.7 reaches a threshold of 0.7.
 */
export function answeredClasses({ outputs, width, labels, task, threshold }: ScoredRows): Int32Array {
  const answers = new Int32Array(labels.length);
  const least = Math.min(threshold, Math.fround(threshold));
  for (let row = 0; row < answers.length; row++)
    answers[row] = task === 'multiclass' ? mostLikely(outputs, row, width) : (outputs[row] ?? 0) >= least ? 1 : 0;
  return answers;
}

/** Whether two models give exactly the same answers to the same rows. */
export function answerAlike(a: ScoredRows, b: ScoredRows): boolean {
  if (a.outputs.length !== b.outputs.length) return false;
  for (let place = 0; place < a.outputs.length; place++) if (a.outputs[place] !== b.outputs[place]) return false;
  return true;
}
