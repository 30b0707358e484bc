import { areaUnderCurve } from '../statistics/area-under-curve.ts';
import type { ScoredRows } from './metrics.ts';

/**
 * Area under the ROC curve; multiclass: the mean over the classes of one against the rest (macro), each class weighing the same.
 *
 * @returns null when a class has no rows, or a row is of a class that the model does not know.
 */
export function areaUnderCurveOf(scored: ScoredRows): number | null {
  if (scored.task === 'binary') return areaUnderCurve(scored.outputs, scored.labels);
  const areas = Array.from({ length: scored.width }, (_, place) => {
    const { scores, isClass } = againstTheRest(scored, place);
    return areaUnderCurve(scores, isClass);
  });
  if (Array.prototype.some.call(scored.labels, (label) => label === -1)) return null;
  let sum = 0;
  for (const area of areas) {
    if (area === null) return null;
    sum += area;
  }
  return areas.length === 0 ? null : sum / areas.length;
}

/** One class against all others: its column, and 1 where the row is of it. */
export function againstTheRest({ outputs, width, labels }: ScoredRows, place: number) {
  const scores = new Float64Array(labels.length);
  const isClass = new Uint8Array(labels.length);
  for (let row = 0; row < scores.length; row++) {
    scores[row] = outputs[row * width + place] ?? 0;
    isClass[row] = labels[row] === place ? 1 : 0;
  }
  return { scores, isClass };
}
