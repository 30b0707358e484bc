import { decide } from '../../domain/decide.ts';
import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { Verdict } from '../../domain/verdict.ts';

const withChampion = { champion: true };
const auc: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.6 };
const higher: Guardrail = { metric: 'auc', rule: 'nonInferior', better: 'higher', margin: 0.01, alpha: 0.05 };
const lower: Guardrail = { metric: 'logLoss', rule: 'nonInferior', better: 'lower', margin: 0.01, alpha: 0.05 };
const alarm: Guardrail = { metric: 'errors', rule: 'noAlarm', alpha: 0.05, minimum: 100 };

const between = (metric: string, lowerBound: number | null, upperBound: number | null): Measurement => ({
  metric,
  value: 0,
  n: 500,
  lower: lowerBound,
  upper: upperBound,
});

type Row = readonly [string, Guardrail, Measurement | null, Verdict];
const rows: readonly Row[] = [
  ['a value at its lower limit passes', auc, { metric: 'auc', value: 0.6, n: 10 }, 'pass'],
  ['a value below its lower limit fails', auc, { metric: 'auc', value: 0.599, n: 10 }, 'fail'],
  [
    'a value at its upper limit passes',
    { metric: 'x', rule: 'atMost', limit: 5 },
    { metric: 'x', value: 5, n: 1 },
    'pass',
  ],
  [
    'a value above its upper limit fails',
    { metric: 'x', rule: 'atMost', limit: 5 },
    { metric: 'x', value: 6, n: 1 },
    'fail',
  ],
  ['a missing measurement is inconclusive', auc, null, 'inconclusive'],
  ['a null value is inconclusive', auc, { metric: 'auc', value: null, n: 10 }, 'inconclusive'],
  ['a value that is not a number is inconclusive', auc, { metric: 'auc', value: Number.NaN, n: 10 }, 'inconclusive'],
  ['a value that rests on nothing is inconclusive', auc, { metric: 'auc', value: 1, n: 0 }, 'inconclusive'],
  [
    'too few observations are inconclusive',
    { ...auc, minimum: 11 },
    { metric: 'auc', value: 1, n: 10 },
    'inconclusive',
  ],
  ['higher is better: a lower bound above -margin passes', higher, between('auc', -0.009, 0.02), 'pass'],
  ['higher is better: an upper bound below -margin fails', higher, between('auc', -0.03, -0.011), 'fail'],
  ['higher is better: bounds on both sides are inconclusive', higher, between('auc', -0.02, 0.02), 'inconclusive'],
  ['higher is better: a lower bound at -margin is not shown', higher, between('auc', -0.01, 0.02), 'inconclusive'],
  ['lower is better: an upper bound below margin passes', lower, between('logLoss', -0.02, 0.009), 'pass'],
  ['lower is better: a lower bound above margin fails', lower, between('logLoss', 0.011, 0.03), 'fail'],
  ['lower is better: bounds on both sides are inconclusive', lower, between('logLoss', -0.02, 0.02), 'inconclusive'],
  ['a comparison without bounds is inconclusive', higher, between('auc', null, null), 'inconclusive'],
  ['evidence below 1/alpha passes', alarm, { metric: 'errors', value: 19.9, n: 100 }, 'pass'],
  ['evidence at 1/alpha fails', alarm, { metric: 'errors', value: 20, n: 100 }, 'fail'],
  ['no alarm on too few requests is inconclusive', alarm, { metric: 'errors', value: 1, n: 99 }, 'inconclusive'],
];

test.each(rows)('%s', (_, guardrail, measurement, expected) => {
  const { outcome, findings } = decide([guardrail], measurement === null ? [] : [measurement], withChampion);
  expect(outcome).toBe(expected);
  expect(findings).toEqual([{ guardrail, measurement, verdict: expected, reason: expect.stringMatching(/\.$/) }]);
});

test('without a champion comparisons are left out and the rest decides', () => {
  const { outcome, findings } = decide(
    [higher, { metric: 'rows', rule: 'atLeast', limit: 5 }],
    [between('auc', null, null), { metric: 'rows', value: 9, n: 9 }],
    { champion: false },
  );
  expect(findings.map(({ verdict }) => verdict)).toEqual(['not-applicable', 'pass']);
  expect(outcome).toBe('pass');
});

test('where no guardrail applies, or there is none, nothing was shown', () => {
  expect(decide([higher], [between('auc', 1, 1)], { champion: false }).outcome).toBe('inconclusive');
  expect(decide([], [], withChampion)).toMatchObject({ outcome: 'inconclusive', findings: [] });
});

test('one failure fails whatever else is open, one open question leaves a pass open', () => {
  const pass: Measurement = { metric: 'a', value: 1, n: 1 };
  const guardrails: readonly Guardrail[] = ['a', 'b', 'c'].map((metric) => ({ metric, rule: 'atLeast', limit: 1 }));
  expect(decide(guardrails, [pass, { ...pass, metric: 'b', value: 0 }], withChampion).outcome).toBe('fail');
  expect(decide(guardrails, [pass, { ...pass, metric: 'b' }], withChampion).outcome).toBe('inconclusive');
});

test('two guardrails of one metric get their measurements in order', () => {
  const own: Measurement = { metric: 'auc', value: 0.7, n: 500 };
  const difference = between('auc', -0.001, 0.02);
  const { findings } = decide([higher, auc], [difference, own], withChampion);
  expect(findings.map(({ measurement }) => measurement)).toEqual([difference, own]);
});

test('where a metric has fewer measurements than guardrails none is guessed', () => {
  const limit: Guardrail = { metric: 'logLoss', rule: 'atMost', limit: 0.5 };
  const { findings, outcome } = decide([limit, lower], [between('logLoss', -0.01, 0.001)], withChampion);
  expect(findings.map(({ measurement }) => measurement)).toEqual([null, null]);
  expect(outcome).toBe('inconclusive');
});

test('the reason is one sentence with the numbers', () => {
  const measured: Measurement = { metric: 'latencyP99', value: 23.456_78, n: 900, unit: 'ms' };
  const { reason } = decide([{ metric: 'latencyP99', rule: 'atMost', limit: 20 }], [measured], withChampion);
  expect(reason).toBe('latencyP99 is 23.46 ms; at most 20 is asked.');
});
