import { requireEvaluable, requireFitting } from '../../../activities/evaluation/evaluable.ts';
import type { Guardrail } from '../../../domain/guardrail.ts';
import { requireMeasurable } from '../../../domain/metric-rules.ts';
import type { Task } from '../../../domain/target.ts';
import { tinySignatureOf } from '../../support/tiny-model.ts';

const auc: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.6 };
const ratio: Guardrail = { metric: 'demographicParityRatio', rule: 'atLeast', limit: 0.8, by: 'sex' };
const change = { field: 'origin', to: ['ATL'] };

const invariant = (tolerance: number): Guardrail => ({
  metric: 'invariant',
  rule: 'atLeast',
  limit: 1,
  cases: { kind: 'invariant', of: { sample: 5 }, change, tolerance },
});
const example = (expected: { readonly atLeast?: number }): Guardrail => ({
  metric: 'minimumFunctionality',
  rule: 'atLeast',
  limit: 1,
  cases: { kind: 'minimumFunctionality', examples: [{ record: {}, expect: expected }] },
});

type Row = readonly [string, Guardrail, RegExp];
const refused: readonly Row[] = [
  ['an unknown metric', { ...auc, metric: 'auroc' }, /'auroc'.*auc.*logLoss.*rows/],
  ['a rule that it does not have', { metric: 'throughput', rule: 'atMost', limit: 5 }, /'throughput'.*'atMost'/],
  ['slices of a latency', { metric: 'latencyP99', rule: 'atMost', limit: 5, by: 'origin' }, /no slices/],
  ['slices without a column', { ...auc, poolBelow: 5 }, /slices without 'by'/],
  ['fairness without groups', { metric: 'equalizedOddsRatio', rule: 'atLeast', limit: 0.8 }, /lacks 'by'/],
  ['a threshold of an AUC', { ...auc, threshold: 0.3 }, /no threshold/],
  ['a threshold of 1', { ...ratio, threshold: 1 }, /threshold of 1/],
  [
    'an alpha of a throughput',
    { metric: 'throughput', rule: 'atLeast', limit: 5, alpha: 0.05 },
    /no confidence bounds/,
  ],
  ['an alpha of 0', { ...auc, alpha: 0 }, /alpha of 0/],
  ['a quantile loss without a quantile', { metric: 'quantileLoss', rule: 'atMost', limit: 3 }, /lacks 'quantile'/],
  ['a quantile of an AUC', { ...auc, quantile: 0.5 }, /no quantile/],
  ['behaviour without cases', { metric: 'invariant', rule: 'atLeast', limit: 1 }, /lacks 'cases'/],
  [
    'cases of another kind',
    { ...auc, cases: { kind: 'invariant', of: { sample: 5 }, change, tolerance: 0 } },
    /kind 'invariant'/,
  ],
  [
    'a sample of nothing',
    {
      metric: 'invariant',
      rule: 'atLeast',
      limit: 1,
      cases: { kind: 'invariant', of: { sample: 0 }, change, tolerance: 0 },
    },
    /sample of 0/,
  ],
  [
    'the wrong way of a metric',
    { metric: 'rmse', rule: 'nonInferior', better: 'higher', margin: 1, alpha: 0.05 },
    /of rmse lower is/,
  ],
  ['a limit that is no number', { ...auc, limit: Number.NaN }, /limit that is no number/],
  // Numbers that are none travel as null, and null would be taken for 1.
  [
    'a minimum that is no number',
    JSON.parse('{"metric":"auc","rule":"atLeast","limit":0.6,"minimum":null}'),
    /minimum/,
  ],
  ['a minimum of a share', { ...auc, minimum: 0.5 }, /minimum of 0.5/],
  ['pooling below no number', { ...auc, by: 'origin', poolBelow: -1 }, /poolBelow of -1/],
  ['a negative tolerance', invariant(-0.1), /tolerance of -0.1/],
  ['an example that expects nothing', example({}), /example 1 expects nothing/],
  ['an example that expects no number', example({ atLeast: Number.NaN }), /example 1 expects nothing/],
];

test.each(refused)('%s is refused before any work is done', (_, guardrail, message) => {
  expect(() => requireEvaluable([auc, guardrail])).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringMatching(message) }),
  );
});

const unfitting: readonly (readonly [Task, Guardrail, RegExp])[] = [
  [
    'multiclass',
    { metric: 'f1', rule: 'atLeast', limit: 0.5, threshold: 0.9 },
    /threshold, and this model is multiclass/,
  ],
  ['regression', auc, /is for binary and multiclass models, and this one is regression/],
  ['binary', { metric: 'rmse', rule: 'atMost', limit: 5 }, /is for regression models/],
  ['multiclass', ratio, /is for binary models/],
  [
    'multiclass',
    {
      metric: 'directional',
      rule: 'atLeast',
      limit: 1,
      cases: { kind: 'directional', of: { sample: 5 }, change, expect: 'up', strict: false },
    },
    /binary and regression/,
  ],
  [
    'multiclass',
    {
      metric: 'minimumFunctionality',
      rule: 'atLeast',
      limit: 1,
      cases: { kind: 'minimumFunctionality', examples: [{ record: {}, expect: { class: 'lost' } }] },
    },
    /'lost'.*early, late, on time/,
  ],
];

test.each(unfitting)('a %s model is not asked for %j', (task, guardrail, message) => {
  expect(() => requireFitting([guardrail], tinySignatureOf(task))).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringMatching(message) }),
  );
});

test.each<Guardrail>([
  { metric: 'logLoss', rule: 'atMost', limit: 1, by: 'origin' },
  { metric: 'logLoss', rule: 'atMost', limit: 1, alpha: 0.05 },
])('live traffic is not cut into slices nor bounded: %j', (guardrail) => {
  expect(() => requireMeasurable('A shadow', { logLoss: ['atMost'] }, [guardrail])).toThrow(
    expect.objectContaining({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/A shadow cannot measure 'logLoss'/),
    }),
  );
});
