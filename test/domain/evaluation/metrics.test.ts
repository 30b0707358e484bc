import {
  isMeasurable,
  isQualityMetric,
  qualityMetrics,
  type ScoredRows,
  selectRows,
} from '../../../domain/evaluation/metrics.ts';
import { golden } from '../golden.ts';
import { binaryRows, classRows, numberRows } from './golden-rows.ts';

const valueOf = (metric: string, scored: ScoredRows): number | null =>
  isQualityMetric(metric) ? qualityMetrics[metric].value(scored) : null;

const tables = [
  ['binary', binaryRows().challenger],
  ['multiclass', classRows().challenger],
  ['regression', numberRows().challenger],
] as const;

describe.each(tables)('metrics of %s answers', (task, scored) => {
  const { f1At30: _, ...values }: Record<string, number> = { ...golden.evaluation.metrics[task] };
  test.each(Object.entries(values))('%s equals scikit-learn 1.9.1', (metric, expected) => {
    expect(Math.abs((valueOf(metric, scored) ?? Number.NaN) - expected)).toBeLessThan(1e-9);
  });

  test('no other metric has a value', () => {
    const others = Object.keys(qualityMetrics).filter((metric) => !(metric in values));
    expect(others.map((metric) => valueOf(metric, scored))).toEqual(others.map(() => null));
  });

  test('nothing is measured without rows, nor of an answer that is no number', () => {
    const empty = { ...scored, outputs: [], labels: [] };
    const broken = { ...scored, outputs: Array.from(scored.outputs).with(5, Number.NaN) };
    for (const metric of Object.keys(values)) {
      expect(valueOf(metric, empty)).toBeNull();
      expect(valueOf(metric, broken)).toBeNull();
    }
  });
});

test('F1 at another threshold equals scikit-learn 1.9.1', () => {
  const f1 = valueOf('f1', { ...binaryRows().challenger, threshold: 0.3 });
  expect(f1).toBeCloseTo(golden.evaluation.metrics.binary.f1At30, 12);
});

test('an FP32 answer of 0.7 reaches the threshold 0.7', () => {
  const scored: ScoredRows = {
    outputs: [Math.fround(0.7)],
    labels: [1],
    width: 1,
    task: 'binary',
    threshold: 0.7,
    quantile: 0.5,
  };
  expect(valueOf('accuracy', scored)).toBe(1);
});

describe('a class that the model does not know', () => {
  const { challenger } = classRows();
  const labels = Array.from(challenger.labels, (label, row) => (row % 10 === 0 ? -1 : label));
  const scored = { ...challenger, labels };

  test.each(Object.entries(golden.evaluation.metrics.unknownClass))(
    'is a wrong answer of probability zero: %s equals scikit-learn 1.9.1 with a fifth class',
    (metric, expected) => {
      expect(Math.abs((valueOf(metric, scored) ?? Number.NaN) - expected)).toBeLessThan(1e-9);
    },
  );

  test('leaves no AUC', () => {
    expect(valueOf('auc', scored)).toBeNull();
  });
});

test('a class without rows leaves no AUC, but an accuracy', () => {
  const { challenger } = classRows();
  const rows = Array.from(challenger.labels.length === 0 ? [] : Array.from(challenger.labels), (_, row) => row);
  const without = selectRows(
    challenger,
    rows.filter((row) => challenger.labels[row] !== 2),
  );
  expect(valueOf('auc', without)).toBeNull();
  expect(valueOf('accuracy', without)).toBeGreaterThan(0.5);
});

test('one class only leaves no binary AUC, no row that is or is answered true leaves no F1', () => {
  const scored: ScoredRows = { ...binaryRows().challenger, outputs: [0.1, 0.2], labels: [0, 0] };
  expect(valueOf('auc', scored)).toBeNull();
  expect(valueOf('f1', scored)).toBeNull();
  expect(valueOf('accuracy', scored)).toBe(1);
});

test('a constant target has no R², also where its mean cannot be written exactly', () => {
  const scored: ScoredRows = { ...numberRows().challenger, outputs: [0.1, 0.2, 0.4], labels: [0.1, 0.1, 0.1] };
  expect(valueOf('r2', scored)).toBeNull();
  expect(valueOf('mae', scored)).toBeCloseTo(0.4 / 3, 14);
});

test('a far target keeps the digits of R²', () => {
  const labels = [1e9, 1e9 + 1, 1e9 + 2];
  const scored: ScoredRows = { ...numberRows().challenger, outputs: [1e9, 1e9 + 1, 1e9 + 3], labels };
  expect(valueOf('r2', scored)).toBeCloseTo(0.5, 12);
});

test('selected rows keep their answers and labels', () => {
  const { challenger } = classRows();
  const selected = selectRows(challenger, Uint32Array.of(7, 3));
  expect(Array.from(selected.outputs)).toEqual([
    ...Array.from(challenger.outputs).slice(28, 32),
    ...Array.from(challenger.outputs).slice(12, 16),
  ]);
  expect(Array.from(selected.labels)).toEqual([challenger.labels[7], challenger.labels[3]]);
});

test('answers of other rows than the labels are refused', () => {
  expect(() => isMeasurable({ ...binaryRows().challenger, outputs: [0.5] })).toThrow(
    'There are 1 answers for 400 rows',
  );
});
