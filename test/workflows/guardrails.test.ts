import { behaviour } from '../../workflows/steps/behaviour.ts';
import { fairness } from '../../workflows/steps/fairness.ts';
import {
  accuracy,
  auc,
  coldStart,
  fileSize,
  latencyP99,
  logLoss,
  quantileLoss,
  residentMemory,
  throughput,
} from '../../workflows/steps/guardrails.ts';

test('guardrails of recorded runs are the same JSON as ever', () => {
  expect([
    auc.atLeast(0.58),
    auc.nonInferiorBy(0.005),
    logLoss.atMost(1),
    logLoss.nonInferiorBy(0.03, { minimum: 500 }),
    latencyP99.atMost('20 ms'),
  ]).toStrictEqual([
    { metric: 'auc', rule: 'atLeast', limit: 0.58 },
    { metric: 'auc', rule: 'nonInferior', better: 'higher', margin: 0.005, alpha: 0.05 },
    { metric: 'logLoss', rule: 'atMost', limit: 1 },
    { metric: 'logLoss', rule: 'nonInferior', better: 'lower', margin: 0.03, alpha: 0.05, minimum: 500 },
    { metric: 'latencyP99', rule: 'atMost', limit: 20 },
  ]);
});

test('options narrow a guardrail', () => {
  expect(accuracy.atLeast(0.8, { alpha: 0.01, by: 'origin', poolBelow: 50, threshold: 0.3 })).toStrictEqual({
    metric: 'accuracy',
    rule: 'atLeast',
    limit: 0.8,
    alpha: 0.01,
    by: 'origin',
    poolBelow: 50,
    threshold: 0.3,
  });
  expect(quantileLoss(0.9).nonInferiorBy(1)).toStrictEqual({
    metric: 'quantileLoss',
    rule: 'nonInferior',
    better: 'lower',
    margin: 1,
    alpha: 0.05,
    quantile: 0.9,
  });
});

test('fairness asks for bounds and for groups of thirty rows unless its author says otherwise', () => {
  expect(fairness.demographicParityRatio({ by: 'sex', atLeast: 0.8 })).toStrictEqual({
    metric: 'demographicParityRatio',
    rule: 'atLeast',
    limit: 0.8,
    alpha: 0.05,
    minimum: 30,
    by: 'sex',
  });
  expect(fairness.equalizedOddsDifference({ by: 'sex', atMost: 0.1, alpha: 0.01, minimum: 100 })).toMatchObject({
    rule: 'atMost',
    limit: 0.1,
    alpha: 0.01,
    minimum: 100,
  });
});

test('sizes and times are told in words', () => {
  expect([residentMemory.atMost('300 MiB'), fileSize.atMost('1.5 kB'), coldStart.atMost('2 seconds')]).toMatchObject([
    { metric: 'residentMemory', limit: 314_572_800 },
    { metric: 'fileSize', limit: 1_500 },
    { metric: 'coldStart', limit: 2_000 },
  ]);
  expect(throughput.atLeast(5_000)).toEqual({ metric: 'throughput', rule: 'atLeast', limit: 5_000 });
  expect(() => fileSize.atMost('3 cups' as '3 MiB')).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
});

test('all cases of behaviour must hold unless a share is named', () => {
  const cases = { of: { sample: 500 }, change: { field: 'name', to: ['Ann', 'Bob'] }, tolerance: 0.01 } as const;
  expect(behaviour.invariant(cases)).toStrictEqual({
    metric: 'invariant',
    rule: 'atLeast',
    limit: 1,
    cases: { kind: 'invariant', ...cases },
  });
  expect(behaviour.invariant({ ...cases, atLeast: 0.99, minimum: 100 })).toMatchObject({ limit: 0.99, minimum: 100 });
});
