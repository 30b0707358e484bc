import { createHash } from 'node:crypto';

import { chooseArm, subjectShare, type Weighted } from '../../serving/answering/arm.ts';

const subjects = Array.from({ length: 20_000 }, (_, index) => `passenger-${index}`);

function challengers(weight: number): ReadonlySet<string> {
  const arms: Weighted = [
    { name: 'champion', weight: 100 - weight },
    { name: 'challenger', weight },
  ];
  return new Set(subjects.filter((subject) => chooseArm('flights', subject, arms).name === 'challenger'));
}

test('an auditor recomputes a share from endpoint and subject alone', () => {
  for (const subject of subjects.slice(0, 500)) {
    const digest = createHash('sha256').update(`flights:${subject}`).digest();
    const expected = Number(digest.readBigUInt64BE(0) % 10_000n) / 100;
    expect(subjectShare('flights', subject)).toBe(expected);
  }
});

test.each([1, 5, 25, 50])('a challenger with weight %d gets that share of subjects', (weight) => {
  const share = weight / 100;
  const deviation = Math.sqrt(subjects.length * share * (1 - share));
  // Five standard deviations of the binomial: the subjects are fixed, so this never flickers.
  expect(Math.abs(challengers(weight).size - subjects.length * share)).toBeLessThan(5 * deviation);
});

test('raising the weight moves subjects from champion to challenger and none back', () => {
  const steps = [0, 1, 5, 25, 50, 100].map(challengers);
  for (const [index, set] of steps.entries()) {
    const next = steps[index + 1] ?? set;
    expect([...set].filter((subject) => !next.has(subject))).toEqual([]);
  }
  expect(steps.map((set) => set.size === 0)).toEqual([true, false, false, false, false, false]);
  expect(steps.at(-1)?.size).toBe(subjects.length);
});

test('a subject in the small share of one endpoint is not in that of every endpoint', () => {
  const both = subjects.filter((subject) => subjectShare('a', subject) < 5 && subjectShare('b', subject) < 5);
  expect(both.length).toBeLessThan(subjects.length * 0.05 * 0.2);
});
