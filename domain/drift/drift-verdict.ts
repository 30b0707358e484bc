import type { DriftPolicy, DriftReport, DriftSignal } from '../drift-report.ts';

/**
 * What one window says: `fail` when a signal is both significant and material, `inconclusive` while the window is not full or
 * holds nothing to compare. The reason names the largest signals first.
 */
export function driftVerdict(
  policy: DriftPolicy,
  labels: number,
  signals: readonly DriftSignal[],
): Pick<DriftReport, 'verdict' | 'reason'> {
  if (labels < policy.windowRequests)
    return {
      verdict: 'inconclusive',
      reason: `The window holds ${labels} labelled requests of ${policy.windowRequests}.`,
    };
  if (signals.length === 0) return { verdict: 'inconclusive', reason: 'The window holds nothing to compare.' };
  const drifting = signals
    .filter(({ significant, material }) => significant && material)
    .toSorted((a, b) => a.adjustedPValue - b.adjustedPValue || Math.abs(b.value) - Math.abs(a.value));
  if (drifting.length === 0)
    return { verdict: 'pass', reason: `None of ${signals.length} signals is both significant and material.` };
  return { verdict: 'fail', reason: `${drifting.map(describe).join('; ')}.` };
}

function describe({ name, statistic, value }: DriftSignal): string {
  if (statistic === 'psi') return `${name} has moved (PSI ${value.toFixed(3)})`;
  const direction = value > 0 ? 'more' : 'less';
  return `outcomes come ${direction} often than predicted by ${(Math.abs(value) * 100).toFixed(1)} points`;
}
