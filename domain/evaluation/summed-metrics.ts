import { evenSums, type RowSums, totalOf } from '../statistics/row-sums.ts';
import { answeredClasses, mostLikely } from './answers.ts';
import type { QualityMetric, ScoredRows } from './metrics.ts';

/** The metrics that are no means, but functions of sums over the rows; their intervals come from resampled rows. */
export type SummedMetricName = Extract<QualityMetric, 'calibration' | 'f1' | 'rmse' | 'r2'>;

/** What the rows add, and the metric as a function of the sums; null: it cannot be computed of them. */
export type SummedMetric = { readonly rows: RowSums; readonly value: (sums: Float64Array) => number | null };

const calibrationBins = 15;

/** A sum of squared deviations below this share of the squares themselves is rounding: the target is constant. */
const roundingShare = 1e-13;

/** Each metric's sums. */
export const summedMetrics: Readonly<Record<SummedMetricName, (scored: ScoredRows) => SummedMetric>> = {
  calibration,
  f1,
  rmse,
  r2,
};

/** The metric of all rows. */
export function valueOfSums({ rows, value }: SummedMetric): number | null {
  return value(totalOf(rows));
}

/**
 * Expected calibration error: sum over the bins of (rows in bin / rows) |share of true - mean probability|, over 15 bins of equal width,
 * each with its upper edge (Naeini, Cooper, Hauskrecht, AAAI 2015). Multiclass: of the most likely class, and whether it is the true one.
 * Sums: one a bin of truth less probability, and the number of rows.
 */
function calibration(scored: ScoredRows): SummedMetric {
  const { outputs, width, labels, task } = scored;
  const rows = labels.length;
  const slots = new Uint32Array(rows * 2);
  const terms = new Float64Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const answer = task === 'multiclass' ? mostLikely(outputs, row, width) : 0;
    const probability = outputs[row * width + answer] ?? 0;
    const truth = task === 'multiclass' ? (labels[row] === answer ? 1 : 0) : (labels[row] ?? 0);
    slots[row * 2] = Math.min(Math.max(Math.ceil(probability * calibrationBins) - 1, 0), calibrationBins - 1);
    terms[row * 2] = truth - probability;
    slots[row * 2 + 1] = calibrationBins;
    terms[row * 2 + 1] = 1;
  }
  return {
    rows: evenSums(2, { slots, terms, size: calibrationBins + 1 }),
    value: (sums) => {
      let gaps = 0;
      for (let bin = 0; bin < calibrationBins; bin++) gaps += Math.abs(sums[bin] ?? 0);
      return ratio(gaps, sums[calibrationBins] ?? 0);
    },
  };
}

/**
 * F1 = 2 TP / (answered + actual), of true; multiclass: the mean over the classes that were answered or are actual. A class that the
 * model does not know is one more class, of F1 zero. Sums: hits, answered and actual of each class.
 */
function f1(scored: ScoredRows): SummedMetric {
  const { labels, width, task } = scored;
  const places = task === 'multiclass' ? width + 1 : 2;
  const answers = answeredClasses(scored);
  const slots = new Uint32Array(labels.length * 3);
  const terms = new Float64Array(labels.length * 3).fill(1);
  for (let row = 0; row < labels.length; row++) {
    const [answer, label] = [answers[row] ?? 0, labels[row] ?? 0];
    const actual = label < 0 ? width : label;
    slots.set([actual, places + answer, 2 * places + actual], row * 3);
    terms[row * 3] = answer === actual ? 1 : 0;
  }
  const first = task === 'multiclass' ? 0 : 1;
  return {
    rows: evenSums(3, { slots, terms, size: 3 * places }),
    value: (sums) => {
      let [total, seen] = [0, 0];
      for (let place = first; place < places; place++) {
        const counted = (sums[places + place] ?? 0) + (sums[2 * places + place] ?? 0);
        if (counted === 0) continue;
        seen++;
        total += (2 * (sums[place] ?? 0)) / counted;
      }
      return ratio(total, seen);
    },
  };
}

/** Root of the mean squared error. Sums: squared errors, rows. */
function rmse({ outputs, labels }: ScoredRows): SummedMetric {
  const terms = new Float64Array(labels.length * 2).fill(1);
  for (let row = 0; row < labels.length; row++) terms[row * 2] = ((outputs[row] ?? 0) - (labels[row] ?? 0)) ** 2;
  return {
    rows: evenSums(2, { slots: cycle(labels.length, 2), terms, size: 2 }),
    value: (sums) => {
      const mean = ratio(sums[0] ?? 0, sums[1] ?? 0);
      return mean === null ? null : Math.sqrt(mean);
    },
  };
}

/**
 * Coefficient of determination, 1 - squared errors / squared deviations of the target from its mean. The target is centred first, or a
 * far mean would cost all digits. Sums: squared errors, target, its squares, rows.
 */
function r2({ outputs, labels }: ScoredRows): SummedMetric {
  const centre = centreOf(labels);
  const terms = new Float64Array(labels.length * 4);
  for (let row = 0; row < labels.length; row++) {
    const centred = (labels[row] ?? 0) - centre;
    terms.set([((outputs[row] ?? 0) - (labels[row] ?? 0)) ** 2, centred, centred ** 2, 1], row * 4);
  }
  return {
    rows: evenSums(4, { slots: cycle(labels.length, 4), terms, size: 4 }),
    value: ([errors = 0, sum = 0, squares = 0, rows = 0]) => {
      const deviations = rows === 0 ? 0 : squares - sum ** 2 / rows;
      return deviations <= roundingShare * squares ? null : 1 - errors / deviations;
    },
  };
}

/** The mean, or of a constant target the very value, so that its deviations are exactly zero. */
function centreOf(labels: ArrayLike<number>): number {
  let sum = 0;
  let constant = true;
  for (let row = 0; row < labels.length; row++) {
    sum += labels[row] ?? 0;
    constant &&= labels[row] === labels[0];
  }
  return constant ? (labels[0] ?? 0) : sum / labels.length;
}

function cycle(rows: number, each: number): Uint32Array {
  const slots = new Uint32Array(rows * each);
  for (let entry = 0; entry < slots.length; entry++) slots[entry] = entry % each;
  return slots;
}

function ratio(sum: number, count: number): number | null {
  return count === 0 ? null : sum / count;
}
