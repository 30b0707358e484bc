import { checkDecisions } from '../../audit/check-decisions.ts';
import { decide } from '../../domain/decide.ts';
import type { Guardrail, Measurement } from '../../domain/guardrail.ts';

const guardrails: readonly Guardrail[] = [
  { metric: 'auc', rule: 'atLeast', limit: 0.7 },
  { metric: 'auc', rule: 'nonInferior', better: 'higher', margin: 0.002, alpha: 0.05 },
  { metric: 'latencyP99Ms', rule: 'atMost', limit: 20 },
];
const measurements: readonly Measurement[] = [
  { metric: 'auc', value: 0.74, n: 5000 },
  { metric: 'auc', value: 0.004, n: 5000, lower: 0.001, upper: 0.007 },
];

test('a decision follows from its measurements wherever it is carried, and counts once', () => {
  const decision = decide(guardrails, measurements, { champion: true });
  const checks = checkDecisions([[{ request: { decision } }], { decisions: [decision] }, 'text', null]);
  expect(checks).toEqual({ decisions: 1, findings: 3, unmeasured: 1, withheld: 0, differences: [] });
});

test('a first release without a champion follows too', () => {
  const decision = decide(guardrails, measurements, { champion: false });
  expect(checkDecisions([decision]).differences).toEqual([]);
});

test('an outcome that its findings do not carry is named', () => {
  const decision = { ...decide(guardrails, measurements, { champion: true }), outcome: 'pass' };
  expect(checkDecisions([decision]).differences).toEqual([
    expect.stringContaining('says at $.outcome "pass", its measurements say "inconclusive"'),
  ]);
});

test('a step may withhold a pass, and it is counted', () => {
  const decision = {
    ...decide(guardrails.slice(0, 1), measurements.slice(0, 1), { champion: true }),
    outcome: 'inconclusive',
  };
  expect(checkDecisions([decision])).toMatchObject({ withheld: 1, differences: [] });
});

test('a verdict that its measurement does not carry is named', () => {
  const decision = decide(guardrails, measurements, { champion: true });
  const [first, ...rest] = decision.findings;
  const findings = [{ ...first, measurement: { metric: 'auc', value: 0.6, n: 5000 } }, ...rest];
  expect(checkDecisions([{ ...decision, findings }]).differences).toEqual([
    expect.stringContaining('its measurements say "fail"'),
  ]);
});

test('a decision without findings cannot have passed', () => {
  const decision = { outcome: 'pass', reason: 'trust me', findings: [] };
  expect(checkDecisions([decision]).differences).toEqual([expect.stringContaining("the decision 'trust me'")]);
});
