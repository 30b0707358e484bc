import { measureShadowFiles } from '../../activities/release/measure-shadow.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import { answer, label, timeOf, trafficRequest, writeTraffic } from './traffic-fixtures.ts';

const requests: Guardrail = { metric: 'requests', rule: 'atLeast', limit: 1 };
const errors: Guardrail = { metric: 'errors', rule: 'atMost', limit: 0.01 };
const latency: Guardrail = { metric: 'latencyP99', rule: 'atMost', limit: 20 };
const agreement: Guardrail = { metric: 'agreement', rule: 'atMost', limit: 0.2 };
const loss: Guardrail = { metric: 'logLoss', rule: 'nonInferior', better: 'lower', margin: 0.05, alpha: 0.05 };
const guardrails = [requests, errors, latency, agreement, loss];

/** The shadow answers what the champion answered live to the same request. */
const shadow = (second: number, differing: Parameters<typeof answer>[1] = {}) =>
  answer(second, { modelVersion: '2', arm: 'challenger', shadow: true, ...differing });

test('live and shadow answers of one request are a pair; a failed answer makes none', async () => {
  const files = await writeTraffic(
    [
      answer(1, { output: 0.2 }),
      shadow(1, { output: 0.3, latencyMs: 10 }),
      answer(2, { output: 0.6 }),
      shadow(2, { output: 0.3, latencyMs: 20 }),
      answer(3),
      shadow(3, { output: null, status: 500, latencyMs: 900 }),
      answer(4),
      shadow(5, { latencyMs: 30 }),
    ],
    [],
  );
  const measured = await measureShadowFiles({ ...trafficRequest, guardrails: guardrails.slice(0, 4) }, files);
  expect(measured).toEqual([
    { metric: 'requests', value: 2, n: 2, unit: 'rows' },
    { metric: 'errors', value: 0.25, n: 4, unit: 'share' },
    { metric: 'latencyP99', value: expect.closeTo(29.8, 9), n: 3, unit: 'ms' },
    { metric: 'agreement', value: expect.closeTo(0.2, 9), n: 2 },
  ]);
});

test('rows of earlier epochs or times, of other versions, and rows that come twice do not count', async () => {
  const files = await writeTraffic(
    [
      answer(1),
      shadow(1),
      shadow(1),
      answer(1),
      answer(2, { epoch: 4 }),
      shadow(2, { epoch: 4 }),
      answer(-1),
      shadow(-1),
      answer(3, { modelVersion: '9' }),
      shadow(3),
    ],
    [],
  );
  const [measured] = await measureShadowFiles({ ...trafficRequest, guardrails: [requests] }, files);
  expect(measured).toEqual({ metric: 'requests', value: 1, n: 1, unit: 'rows' });
});

test('log loss is compared on labelled pairs, with bounds from 100 pairs on', async () => {
  const pairs = (n: number) =>
    Array.from({ length: n }, (_, row) => [
      answer(row, { output: row % 2 === 0 ? 0.4 : 0.6 }),
      shadow(row, { output: row % 4 < 2 ? 0.35 : 0.65 }),
    ]).flat();
  const labels = (n: number) => Array.from({ length: n }, (_, row) => label(`request-${row}`, row % 2));
  const measure = async (n: number) =>
    (
      await measureShadowFiles({ ...trafficRequest, guardrails: [loss] }, await writeTraffic(pairs(n + 50), labels(n)))
    )[0];
  const few = await measure(99);
  expect(few).toMatchObject({ n: 99, lower: null, upper: null });
  const many = await measure(400);
  expect(many?.n).toBe(400);
  const [same, turned] = [-Math.log(0.65) + Math.log(0.6), -Math.log(0.35) + Math.log(0.6)];
  expect(many?.value).toBeCloseTo((same + turned) / 2, 9);
  expect(many?.lower).toBeLessThan(many?.value ?? 0);
  expect(many?.upper).toBeGreaterThan(many?.value ?? 0);
});

test('of several labels of one request the latest counts', async () => {
  const own: Guardrail = { metric: 'logLoss', rule: 'atMost', limit: 1 };
  const files = await writeTraffic(
    [answer(1), shadow(1, { output: 0.9 })],
    [label('request-1', 0, 20), label('request-1', 1, 30), label('request-1', 0, 10)],
  );
  const [measured] = await measureShadowFiles({ ...trafficRequest, guardrails: [own] }, files);
  expect(measured?.value).toBeCloseTo(-Math.log(0.9), 9);
});

test('a shadow without traffic is measured as nothing, not as zero', async () => {
  const measured = await measureShadowFiles({ ...trafficRequest, guardrails }, { inference: [], labels: [] });
  expect(measured.map(({ metric, value, n }) => [metric, value, n])).toEqual([
    ['requests', 0, 0],
    ['errors', null, 0],
    ['latencyP99', null, 0],
    ['agreement', null, 0],
    ['logLoss', null, 0],
  ]);
});

test('a rule that a shadow cannot hold is refused', async () => {
  const request = {
    ...trafficRequest,
    since: timeOf(0),
    guardrails: [{ ...errors, rule: 'noAlarm', alpha: 0.05 } as const],
  };
  await expect(measureShadowFiles(request, { inference: [], labels: [] })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});
