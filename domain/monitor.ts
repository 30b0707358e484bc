import type { DriftPolicy, DriftReport, DriftSignal } from './drift-report.ts';

/** What the monitor does. `inconclusive`: there is no full window to judge by yet. */
export type MonitorDecision =
  | { readonly kind: 'inconclusive'; readonly reason: string }
  | { readonly kind: 'healthy' }
  | { readonly kind: 'notice'; readonly reason: string }
  | { readonly kind: 'retrain'; readonly reason: string };

/**
 * Whether drift calls for retraining: one signal must drift in `sustained` of the last `outOf` windows, a calibration gap each time
 * to the same side. Outcomes swing from day to day, so single windows drift often, now up, now down; only what stays is worth a
 * new model. A drifting window short of that is a notice. Only windows of the version that answered last count: a new version
 * has a new reference, and what the old one saw says nothing about it.
 *
 * @param reports Oldest first, windows that do not overlap.
 */
export function monitorDecision(policy: DriftPolicy, reports: readonly DriftReport[]): MonitorDecision {
  const newest = reports.at(-1);
  if (newest === undefined) return { kind: 'inconclusive', reason: 'No window has been looked at yet.' };
  const own = reports.filter(({ modelVersion }) => modelVersion === newest.modelVersion).slice(-policy.outOf);
  const [signal, windows] = mostSustained(own);
  if (windows >= policy.sustained) {
    const seen = `Drift of ${signal} in ${windows} of the last ${own.length} windows of version ${newest.modelVersion}`;
    return { kind: 'retrain', reason: `${seen}; in the newest: ${newest.reason}` };
  }
  switch (newest.verdict) {
    case 'fail':
      return { kind: 'notice', reason: newest.reason };
    case 'inconclusive':
      return { kind: 'inconclusive', reason: newest.reason };
    case 'pass':
      return { kind: 'healthy' };
    default:
      return newest.verdict satisfies never;
  }
}

/** The signal that drifts in most windows, and in how many. */
function mostSustained(reports: readonly DriftReport[]): readonly [string, number] {
  const windows = new Map<string, number>();
  for (const { signals } of reports)
    for (const signal of signals.filter(({ significant, material }) => significant && material))
      windows.set(nameOf(signal), (windows.get(nameOf(signal)) ?? 0) + 1);
  return [...windows].reduce<readonly [string, number]>((most, next) => (next[1] > most[1] ? next : most), ['', 0]);
}

function nameOf({ name, statistic, value }: DriftSignal): string {
  if (statistic === 'psi') return `'${name}' (PSI)`;
  return `outcomes that come ${value > 0 ? 'more' : 'less'} often than predicted`;
}
