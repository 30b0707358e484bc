import type { DriftPolicy, DriftReport, DriftSignal } from '../../domain/drift-report.ts';
import { monitorDecision } from '../../domain/monitor.ts';

const policy: DriftPolicy = {
  windowRequests: 2_000,
  falseDiscoveryRate: 0.05,
  materialPsi: 0.1,
  materialGap: 0.03,
  sustained: 3,
  outOf: 5,
};

const gap = (value: number): DriftSignal => ({
  name: 'label',
  statistic: 'calibration-gap',
  value,
  pValue: 0,
  adjustedPValue: 0,
  significant: true,
  material: Math.abs(value) > policy.materialGap,
});
const psi = (name: string): DriftSignal => ({ ...gap(0.3), name, statistic: 'psi' });

function report(signals: readonly DriftSignal[], modelVersion = '3'): DriftReport {
  const fails = signals.some(({ significant, material }) => significant && material);
  return {
    endpoint: 'flights',
    model: 'flights',
    modelVersion,
    window: { from: '', to: '', requests: 2_000, labels: 2_000 },
    signals,
    verdict: fails ? 'fail' : 'pass',
    reason: fails ? 'It moved.' : 'Nothing moved.',
  };
}

const down = report([gap(-0.05)]);
const up = report([gap(0.05)]);
const calm = report([gap(0.01)]);

type Row = readonly [string, readonly DriftReport[], string];
const rows: readonly Row[] = [
  ['before the first window nothing is known', [], 'inconclusive'],
  ['a calm window is healthy', [calm], 'healthy'],
  ['one drifting window is a notice', [calm, down], 'notice'],
  ['two drifting windows of three asked are a notice', [down, calm, down], 'notice'],
  ['three of the last five start retraining', [down, calm, down, calm, down], 'retrain'],
  ['a drift that is older than the last five is forgotten', [down, calm, calm, calm, down, down], 'notice'],
  ['outcomes that swing to both sides are no sustained drift', [down, up, down, up], 'notice'],
  [
    'three different features once each are no sustained drift',
    [report([psi('a')]), report([psi('b')]), report([psi('c')])],
    'notice',
  ],
  [
    'one feature three times starts retraining',
    [report([psi('a')]), report([psi('a'), psi('b')]), report([psi('a')])],
    'retrain',
  ],
  ['what another version saw does not count', [report([gap(-0.05)], '2'), report([gap(-0.05)], '2'), down], 'notice'],
  ['a window that is not full says nothing', [{ ...calm, verdict: 'inconclusive' }], 'inconclusive'],
];

test.each(rows)('%s', (_, reports, expected) => {
  expect(monitorDecision(policy, reports).kind).toBe(expected);
});

test('the reason to retrain names what drifts, in how many windows', () => {
  expect(monitorDecision(policy, [down, calm, down, down])).toEqual({
    kind: 'retrain',
    reason:
      'Drift of outcomes that come less often than predicted in 3 of the last 4 windows of version 3; in the newest: It moved.',
  });
});
