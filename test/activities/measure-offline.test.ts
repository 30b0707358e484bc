import { measureScores } from '../../activities/training/measure-offline.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import { golden, probabilityRows, scoredRows } from '../domain/golden.ts';

const comparison = { rule: 'nonInferior', margin: 0.01, alpha: 0.05 } as const;
const guardrails: readonly Guardrail[] = [
  { metric: 'auc', rule: 'atLeast', limit: 0.6 },
  { metric: 'auc', ...comparison, better: 'higher' },
  { metric: 'rows', rule: 'atLeast', limit: 100 },
];

test('each guardrail gets its own measurement, in their order', () => {
  const { labels, challenger, champion } = scoredRows();
  const measurements = measureScores({
    guardrails,
    challenger: { probabilities: challenger, labels },
    champion: { probabilities: champion },
  });
  const { auc } = golden;
  expect(measurements).toEqual([
    { metric: 'auc', value: expect.closeTo(auc.challenger, 12), n: 300 },
    {
      metric: 'auc',
      value: expect.closeTo(auc.challenger - auc.champion, 12),
      n: 300,
      lower: expect.closeTo(auc.lower, 12),
      upper: expect.closeTo(auc.upper, 12),
    },
    { metric: 'rows', value: 300, n: 300, unit: 'rows' },
  ]);
});

test('log loss is compared row by row', () => {
  const { labels, challenger, champion } = probabilityRows();
  const measurements = measureScores({
    guardrails: [
      { metric: 'logLoss', rule: 'atMost', limit: 1 },
      { metric: 'logLoss', ...comparison, better: 'lower' },
      { metric: 'brier', rule: 'atMost', limit: 1 },
    ],
    challenger: { probabilities: challenger, labels },
    champion: { probabilities: champion },
  });
  const { losses } = golden;
  expect(measurements.map(({ value }) => value)).toEqual([
    expect.closeTo(losses.logLoss, 12),
    expect.closeTo(losses.difference, 12),
    expect.closeTo(losses.brier, 12),
  ]);
  expect(measurements[1]).toMatchObject({
    lower: expect.closeTo(losses.lower, 12),
    upper: expect.closeTo(losses.upper, 12),
  });
});

test('without a champion comparisons have no value', () => {
  const { labels, challenger } = scoredRows();
  const measurements = measureScores({ guardrails, challenger: { probabilities: challenger, labels }, champion: null });
  expect(measurements[1]).toEqual({ metric: 'auc', value: null, n: 300, lower: null, upper: null });
  expect(measurements[0]?.value).toBeCloseTo(golden.auc.challenger, 12);
});

test('a hold-out without rows has no value', () => {
  const measurements = measureScores({
    guardrails,
    challenger: { probabilities: new Float32Array(), labels: new Uint8Array() },
    champion: { probabilities: new Float32Array() },
  });
  expect(measurements.map(({ value, n }) => [value, n])).toEqual([
    [null, 0],
    [null, 0],
    [0, 0],
  ]);
});

test('an unknown metric is refused and the known ones are listed', () => {
  const measure = () =>
    measureScores({
      guardrails: [{ metric: 'auroc', rule: 'atLeast', limit: 0.6 }],
      challenger: { probabilities: [], labels: [] },
      champion: null,
    });
  expect(measure).toThrow(
    expect.objectContaining({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/'auroc'.*auc.*logLoss.*brier.*rows/),
    }),
  );
});

test('a model that scores as the champion does differs by nothing, on 200,000 rows', () => {
  const rows = 200_000;
  const probabilities = Float32Array.from({ length: rows }, (_, row) => ((row * 7_919) % 10_007) / 10_007);
  const labels = Uint8Array.from({ length: rows }, (_, row) => Number((row * 104_729) % 5 === 0));
  const [, difference] = measureScores({
    guardrails,
    challenger: { probabilities, labels },
    champion: { probabilities },
  });
  expect(difference).toMatchObject({ value: 0, n: rows, lower: 0, upper: 0 });
});
