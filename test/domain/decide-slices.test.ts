import { decideAgain } from '../../domain/decide-again.ts';
import { decide } from '../../domain/decide.ts';
import type { Guardrail, Measurement, SliceMeasurement } from '../../domain/guardrail.ts';
import type { Verdict } from '../../domain/verdict.ts';

const context = { champion: true };
const atLeast: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.6, by: 'origin', minimum: 50 };
const bounded: Guardrail = { ...atLeast, alpha: 0.05 };
const higher: Guardrail = {
  metric: 'auc',
  rule: 'nonInferior',
  better: 'higher',
  margin: 0.01,
  alpha: 0.05,
  by: 'origin',
  minimum: 50,
};
const ratio: Guardrail = {
  metric: 'demographicParityRatio',
  rule: 'atLeast',
  limit: 0.8,
  alpha: 0.05,
  by: 'sex',
  minimum: 30,
};

function slice(name: string, parts: Partial<SliceMeasurement> = {}): SliceMeasurement {
  return { slice: name, value: 0.7, n: 500, lower: 0.65, upper: 0.75, ...parts };
}

function sliced(slices: readonly SliceMeasurement[] | undefined, parts: Partial<Measurement> = {}): Measurement {
  return { metric: 'auc', value: 0.7, n: 1_000, lower: 0.66, upper: 0.74, ...(slices && { slices }), ...parts };
}

const groups = (parts: Partial<Measurement>, n = 200): Measurement => ({
  ...sliced([slice('f', { n }), slice('m')]),
  metric: 'demographicParityRatio',
  ...parts,
});

type Row = readonly [string, Guardrail, Measurement, Verdict];
const rows: readonly Row[] = [
  ['every slice above its limit passes', atLeast, sliced([slice('ATL'), slice('ORD')]), 'pass'],
  ['one slice below its limit fails', atLeast, sliced([slice('ATL'), slice('ORD', { value: 0.59 })]), 'fail'],
  [
    'a good value of all rows does not save a bad slice',
    atLeast,
    sliced([slice('ORD', { value: 0.5 })], { value: 0.9 }),
    'fail',
  ],
  [
    'a slice that is too small is inconclusive',
    atLeast,
    sliced([slice('ATL'), slice('ORD', { n: 49 })]),
    'inconclusive',
  ],
  [
    'a slice that is too small is inconclusive even where its value is bad',
    atLeast,
    sliced([slice('ATL'), slice('ORD', { n: 49, value: 0.1 })]),
    'inconclusive',
  ],
  [
    'a shown failure fails whatever other slices are open',
    atLeast,
    sliced([slice('ATL', { value: null }), slice('ORD', { value: 0.1 })]),
    'fail',
  ],
  ['a slice without a value is inconclusive', atLeast, sliced([slice('ATL', { value: null })]), 'inconclusive'],
  ['slices that were not measured are inconclusive', atLeast, sliced(undefined), 'inconclusive'],
  ['no slice at all is inconclusive', atLeast, sliced([]), 'inconclusive'],
  [
    'a slice that must be there and is not is inconclusive',
    { ...atLeast, slices: ['ATL', 'SFO'] },
    sliced([slice('ATL')]),
    'inconclusive',
  ],
  ['a bound above the limit in every slice passes', bounded, sliced([slice('ATL'), slice('ORD')]), 'pass'],
  [
    'a value above the limit with a bound below it is inconclusive',
    bounded,
    sliced([slice('ATL'), slice('ORD', { lower: 0.59 })]),
    'inconclusive',
  ],
  [
    'an upper bound below the limit fails',
    bounded,
    sliced([slice('ATL'), slice('ORD', { value: 0.5, lower: 0.4, upper: 0.59 })]),
    'fail',
  ],
  [
    'a slice without bounds is inconclusive',
    bounded,
    sliced([slice('ATL', { lower: null, upper: null })]),
    'inconclusive',
  ],
  [
    'a comparison must hold in each slice',
    higher,
    sliced([slice('ATL', { value: 0, lower: -0.005, upper: 0.02 })]),
    'pass',
  ],
  [
    'a comparison that is lost in one slice fails',
    higher,
    sliced([slice('ATL', { value: 0, lower: -0.005, upper: 0.02 }), slice('ORD', { lower: -0.05, upper: -0.02 })]),
    'fail',
  ],
  ['groups whose bound holds the limit pass', ratio, groups({ lower: 0.81, upper: 0.95, value: 0.9 }), 'pass'],
  [
    'groups whose value alone holds the limit are inconclusive',
    ratio,
    groups({ lower: 0.79, upper: 0.95, value: 0.9 }),
    'inconclusive',
  ],
  ['groups whose bound misses the limit fail', ratio, groups({ lower: 0.5, upper: 0.79, value: 0.6 }), 'fail'],
  ['a small group is inconclusive', ratio, groups({ lower: 0.81, upper: 0.95, value: 0.9 }, 29), 'inconclusive'],
  [
    'one group only is inconclusive',
    ratio,
    { ...groups({ lower: 1, upper: 1, value: 1 }), slices: [slice('f')] },
    'inconclusive',
  ],
  [
    'a group that must be there and is not is inconclusive',
    { ...ratio, slices: ['f', 'm', 'x'] },
    groups({ lower: 0.81, upper: 0.95, value: 0.9 }),
    'inconclusive',
  ],
];

test.each(rows)('%s', (_, guardrail, measurement, expected) => {
  const decision = decide([guardrail], [measurement], context);
  expect(decision.outcome).toBe(expected);
  expect(decideAgain(JSON.parse(JSON.stringify(decision)))).toEqual(decision);
});

const whole: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.6, alpha: 0.05 };

test('a limit with alpha is held against the bound: chance alone passes nothing', () => {
  const verdicts = [
    [0.61, 0.7],
    [0.59, 0.7],
    [0.5, 0.599],
  ].map(
    ([lower = 0, upper = 0]) => decide([whole], [{ metric: 'auc', value: 0.65, n: 9, lower, upper }], context).outcome,
  );
  expect(verdicts).toEqual(['pass', 'inconclusive', 'fail']);
  expect(decide([whole], [{ metric: 'auc', value: 0.65, n: 9 }], context).outcome).toBe('inconclusive');
});

test('an upper limit with alpha is mirrored', () => {
  const most: Guardrail = { metric: 'rmse', rule: 'atMost', limit: 5, alpha: 0.05 };
  const verdicts = [
    [4, 4.9],
    [4, 5.1],
    [5.1, 6],
  ].map(
    ([lower = 0, upper = 0]) => decide([most], [{ metric: 'rmse', value: 4.5, n: 9, lower, upper }], context).outcome,
  );
  expect(verdicts).toEqual(['pass', 'inconclusive', 'fail']);
});

test('bounds at a looser error than the guardrail asks for show nothing', () => {
  const measured: Measurement = { metric: 'auc', value: 0.65, n: 9, lower: 0.61, upper: 0.7, alpha: 0.2 };
  expect(decide([whole], [measured], context)).toMatchObject({
    outcome: 'inconclusive',
    reason: 'auc has bounds at the error 0.2, 0.05 is asked.',
  });
});

test('the reason names the slices that decide, and counts the rest', () => {
  const bad = ['A', 'B', 'C', 'D', 'E', 'F', 'G'].map((name) => slice(name, { value: 0.5 }));
  expect(decide([atLeast], [sliced([slice('ATL'), ...bad])], context).reason).toBe(
    'auc of origin A is 0.5; at least 0.6 is asked; auc of origin B is 0.5; at least 0.6 is asked; auc of origin C is 0.5; at least 0.6 is asked; auc of origin D is 0.5; at least 0.6 is asked; auc of origin E is 0.5; at least 0.6 is asked; and 2 more.',
  );
});

test('a size is told in MiB', () => {
  const guardrail: Guardrail = { metric: 'residentMemory', rule: 'atMost', limit: 300 * 1024 ** 2 };
  const measured: Measurement = { metric: 'residentMemory', value: 1.5 * 1024 ** 2, n: 1, unit: 'bytes' };
  expect(decide([guardrail], [measured], context).reason).toBe(
    'The guardrail holds: residentMemory is 1.5 MiB; at most 300 MiB is asked.',
  );
});
