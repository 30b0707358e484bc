import { measureCanaryFiles } from '../../activities/release/measure-canary.ts';
import { specialFunctions } from '../../activities/special-functions.ts';
import { decide } from '../../domain/decide.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import type { InferenceRow } from '../../domain/inference.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';
import { generator } from '../domain/golden.ts';
import { answer, label, trafficRequest, writeTraffic } from './traffic-fixtures.ts';

const errors: Guardrail = { metric: 'errors', rule: 'noAlarm', alpha: 0.05, minimum: 100 };
const slow: Guardrail = { metric: 'slowAnswers', rule: 'noAlarm', alpha: 0.05, limitMs: 20 };
const loss: Guardrail = { metric: 'logLoss', rule: 'nonInferior', better: 'lower', margin: 0.05, alpha: 0.05 };

const arms = { champion: { modelVersion: '1', arm: 'champion' }, challenger: { modelVersion: '2', arm: 'challenger' } };

/** `n` live answers of one arm in one epoch; times go on from `from`. */
function answers(
  arm: keyof typeof arms,
  n: number,
  from: number,
  differing: (row: number) => Partial<InferenceRow> = () => ({}),
): readonly InferenceRow[] {
  return Array.from({ length: n }, (_, row) => answer(from + row, { ...arms[arm], ...differing(row) }));
}

const failed = { status: 500, output: null };

async function measure(
  guardrails: readonly Guardrail[],
  rows: readonly InferenceRow[],
  weights = [{ epoch: 5, weight: 5 }],
) {
  const files = await writeTraffic(
    rows,
    rows.map(({ requestId }, row) => label(requestId, row % 2)),
  );
  return measureCanaryFiles({ ...trafficRequest, weights, guardrails }, files);
}

test('requests are what the challenger answered in the newest epoch; failed answers are none', async () => {
  const rows = [
    ...answers('challenger', 7, 0),
    ...answers('champion', 9, 100, () => ({ epoch: 6 })),
    ...answers('challenger', 3, 200, () => ({ epoch: 6 })),
    ...answers('challenger', 5, 300, () => ({ epoch: 6, shadow: true })),
    ...answers('challenger', 4, 400, () => ({ epoch: 6, ...failed })),
  ];
  const weights = [
    { epoch: 5, weight: 5 },
    { epoch: 6, weight: 25 },
  ];
  const [measured] = await measure([{ metric: 'requests', rule: 'atLeast', limit: 1 }], rows, weights);
  expect(measured).toEqual({ metric: 'requests', value: 3, n: 3, unit: 'rows' });
});

test('the evidence of the epochs is multiplied, each with its own share', async () => {
  const rows = [
    ...answers('champion', 1_900, 0, (row) => (row < 32 ? failed : {})),
    ...answers('challenger', 100, 5_000, (row) => (row < 8 ? failed : {})),
    ...answers('champion', 300, 10_000, (row) => ({ epoch: 6, ...(row < 6 ? failed : {}) })),
    ...answers('challenger', 100, 15_000, (row) => ({ epoch: 6, ...(row < 4 ? failed : {}) })),
  ];
  const weights = [
    { epoch: 5, weight: 5 },
    { epoch: 6, weight: 25 },
  ];
  const [measured] = await measure([errors], rows, weights);
  const expected =
    errorEventLogEvidence(specialFunctions, { errors: 40, inCanary: 8, share: 0.05 }) +
    errorEventLogEvidence(specialFunctions, { errors: 10, inCanary: 4, share: 0.25 });
  expect(measured).toEqual({ metric: 'errors', value: expect.closeTo(Math.exp(expected), 9), n: 200, unit: 'e-value' });
  expect(measured?.value).toBeGreaterThan(20);
});

test('a canary that fails as often as the champion raises no alarm', async () => {
  const rows = [
    ...answers('champion', 1_900, 0, (row) => (row < 38 ? failed : {})),
    ...answers('challenger', 100, 5_000, (row) => (row < 2 ? failed : {})),
  ];
  const [measured] = await measure([errors], rows);
  expect(measured?.value).toBeLessThan(2);
});

test('of one subject only the first error counts', async () => {
  const rows = [
    ...answers('champion', 100, 0),
    ...answers('challenger', 50, 500, () => ({ subject: 'one client', ...failed })),
  ];
  const [measured] = await measure([errors], rows);
  const once = errorEventLogEvidence(specialFunctions, { errors: 1, inCanary: 1, share: 0.05 });
  expect(measured?.value).toBeCloseTo(Math.exp(once), 9);
});

test('answers slower than the limit are events', async () => {
  const rows = [
    ...answers('champion', 1_900, 0, (row) => ({ latencyMs: row < 19 ? 25 : 5 })),
    ...answers('challenger', 100, 5_000, (row) => ({ latencyMs: row < 40 ? 21 : 20 })),
  ];
  const [measured] = await measure([slow], rows);
  const expected = errorEventLogEvidence(specialFunctions, { errors: 59, inCanary: 40, share: 0.05 });
  expect((measured?.value ?? 0) / Math.exp(expected)).toBeCloseTo(1, 9);
});

describe('where the challenger has all the traffic', () => {
  const ramp = [
    { epoch: 5, weight: 50 },
    { epoch: 6, weight: 100 },
  ];
  const alone = (n: number, differing: (row: number) => Partial<InferenceRow> = () => ({})) =>
    answers('challenger', n, 5_000, (row) => ({ epoch: 6, ...differing(row) }));
  const half = (n: number, differing: (row: number) => Partial<InferenceRow> = () => ({})) => [
    ...answers('champion', n, 0, differing),
    ...answers('challenger', n, 2_000, differing),
  ];

  test('failures of it alone raise the alarm and are no requests', async () => {
    const requests: Guardrail = { metric: 'requests', rule: 'atLeast', limit: 200 };
    const rows = [...half(100), ...alone(300, () => failed)];
    const [counted, evidence] = await measure([requests, errors], rows, ramp);
    expect(counted).toEqual({ metric: 'requests', value: 0, n: 0, unit: 'rows' });
    expect(evidence).toMatchObject({ n: 400, unit: 'e-value' });
    expect(decide([errors], evidence === undefined ? [] : [evidence], { champion: true }).outcome).toBe('fail');
  });

  test('failures as rare as the champion had them raise none', async () => {
    const rare = (row: number) => (row % 50 === 0 ? failed : {});
    const [measured] = await measure([errors], [...half(500, rare), ...alone(500, rare)], ramp);
    expect(measured?.n).toBe(1_000);
    expect(measured?.value).toBeLessThan(1);
  });

  test('answers as slow as the champion never was raise the alarm', async () => {
    const rows = [...half(100), ...alone(100, (row) => ({ latencyMs: row % 2 === 0 ? 30 : 5 }))];
    const [measured] = await measure([slow], rows, ramp);
    expect(measured?.value).toBeGreaterThan(20);
  });

  test('of one subject only the first answer is evidence, however often it fails', async () => {
    const rows = [...half(100), ...alone(300, (row) => (row === 0 ? {} : { subject: 'request-5000', ...failed }))];
    const [measured] = await measure([errors], rows, ramp);
    expect(measured?.value).toBeLessThan(1);
  });

  test('the evidence of the steps before is kept', async () => {
    const earlier = [
      ...answers('champion', 950, 0, (row) => (row < 19 ? failed : {})),
      ...answers('challenger', 50, 2_000, (row) => (row < 8 ? failed : {})),
    ];
    const weights = [
      { epoch: 5, weight: 5 },
      { epoch: 6, weight: 100 },
    ];
    const [before] = await measure([errors], earlier, weights.slice(0, 1));
    const [after] = await measure([errors], [...earlier, ...alone(1, () => failed)], weights);
    expect(before?.value).toBeGreaterThan(20);
    expect(after?.value).toBeGreaterThan(before?.value ?? 0);
  });

  test('without an answer of the champion there is nothing to hold it against', async () => {
    const [nothing] = await measure(
      [errors],
      alone(50, () => failed),
      [{ epoch: 6, weight: 100 }],
    );
    expect(nothing).toEqual({ metric: 'errors', value: null, n: 50, unit: 'e-value' });
  });
});

test('overwhelming evidence stays a finite number', async () => {
  const rows = [...answers('champion', 10, 0), ...answers('challenger', 400, 500, () => failed)];
  const [measured] = await measure([errors], rows, [{ epoch: 5, weight: 1 }]);
  expect(measured?.value).toBe(Math.exp(700));
});

test('log loss is compared within epochs: a time that is hard for both arms is no difference', async () => {
  const next = generator(41);
  const noisy = (level: number, epoch: number) => () => ({ epoch, output: level + 0.1 * next() });
  const rows = [
    ...answers('champion', 1_900, 0, noisy(0.4, 5)),
    ...answers('challenger', 100, 5_000, noisy(0.4, 5)),
    ...answers('champion', 500, 10_000, noisy(0.8, 6)),
    ...answers('challenger', 500, 15_000, noisy(0.8, 6)),
  ];
  const weights = [
    { epoch: 5, weight: 5 },
    { epoch: 6, weight: 50 },
  ];
  const [measured] = await measure([loss], rows, weights);
  expect(measured?.n).toBe(600);
  expect(Math.abs(measured?.value ?? 1)).toBeLessThan(0.05);
  expect(measured?.lower).toBeLessThan(0);
  expect(measured?.upper).toBeGreaterThan(0);
});

test('own values: share of errors and 99th percentile of latency', async () => {
  const rows = [
    ...answers('champion', 10, 0),
    ...answers('challenger', 4, 500, (row) => ({ latencyMs: row, ...(row === 0 ? failed : {}) })),
  ];
  const measured = await measure(
    [
      { metric: 'errors', rule: 'atMost', limit: 0.1 },
      { metric: 'latencyP99', rule: 'atMost', limit: 9 },
    ],
    rows,
  );
  expect(measured).toEqual([
    { metric: 'errors', value: 0.25, n: 4, unit: 'share' },
    { metric: 'latencyP99', value: expect.closeTo(2.98, 9), n: 3, unit: 'ms' },
  ]);
});

test('the share of errors is that of the newest epoch where it is the larger one', async () => {
  const guardrail: Guardrail = { metric: 'errors', rule: 'atMost', limit: 0.01 };
  const weights = [
    { epoch: 5, weight: 50 },
    { epoch: 6, weight: 100 },
  ];
  const newest = (share: number) =>
    answers('challenger', 100, 5_000, (row) => ({ epoch: 6, ...(row < 100 * share ? failed : {}) }));
  const earlier = answers('challenger', 900, 0, (row) => (row < 9 ? failed : {}));
  expect(await measure([guardrail], [...earlier, ...newest(0.05)], weights)).toEqual([
    { metric: 'errors', value: 0.05, n: 100, unit: 'share' },
  ]);
  expect(await measure([guardrail], [...earlier, ...newest(0)], weights)).toEqual([
    { metric: 'errors', value: 0.009, n: 1_000, unit: 'share' },
  ]);
});

test('a canary without traffic is measured as nothing', async () => {
  const measured = await measureCanaryFiles(
    { ...trafficRequest, weights: [{ epoch: 5, weight: 5 }], guardrails: [errors, slow, loss] },
    { inference: [], labels: [] },
  );
  expect(measured.map(({ value, n }) => [value, n])).toEqual([
    [null, 0],
    [null, 0],
    [null, 0],
  ]);
});

test('slow answers need a limit', async () => {
  const guardrails: readonly Guardrail[] = [{ metric: 'slowAnswers', rule: 'noAlarm', alpha: 0.05 }];
  await expect(
    measureCanaryFiles({ ...trafficRequest, guardrails }, { inference: [], labels: [] }),
  ).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('limitMs') });
});
