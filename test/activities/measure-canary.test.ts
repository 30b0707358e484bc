import { measureCanaryFiles } from '../../activities/release/measure-canary.ts';
import { specialFunctions } from '../../activities/special-functions.ts';
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

test('requests are the answers of the challenger in the newest epoch', async () => {
  const rows = [
    ...answers('challenger', 7, 0),
    ...answers('champion', 9, 100, () => ({ epoch: 6 })),
    ...answers('challenger', 3, 200, () => ({ epoch: 6 })),
    ...answers('challenger', 5, 300, () => ({ epoch: 6, shadow: true })),
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

test('where the challenger has all the traffic nothing is compared, and earlier steps stand', async () => {
  const alone = answers('challenger', 50, 5_000, () => ({ epoch: 7, ...failed }));
  const [nothing] = await measure([errors], alone, [{ epoch: 7, weight: 100 }]);
  expect(nothing).toEqual({ metric: 'errors', value: null, n: 0, unit: 'e-value' });
  const earlier = [...answers('champion', 95, 0), ...answers('challenger', 5, 500)];
  const weights = [
    { epoch: 5, weight: 5 },
    { epoch: 7, weight: 100 },
  ];
  const [stands] = await measure([errors], [...earlier, ...alone], weights);
  expect(stands).toEqual({ metric: 'errors', value: 1, n: 5, unit: 'e-value' });
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
