/** What evidence says. Silence, a missing metric, zero traffic: `inconclusive`, never `pass`. */
export type Verdict = 'pass' | 'fail' | 'inconclusive';

/** Combines verdicts: one failure fails, else one open question leaves it open; nothing at all is inconclusive. */
export function allOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === 'pass') ? 'pass' : 'inconclusive';
}
