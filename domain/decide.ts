import type { Decision, Finding } from './decision.ts';
import type { Guardrail, Measurement } from './guardrail.ts';
import { judgeSlices } from './judge-slices.ts';
import { judgeValue, open } from './judge.ts';
import { allOf, type Verdict } from './verdict.ts';

/** Whether there is a champion to compare with. */
export type DecisionContext = { readonly champion: boolean };

/**
 * Holds measurements against guardrails: one finding per guardrail, in their order.
 *
 * Silence is never a pass: a missing measurement or slice, a null value or bound, or fewer than `minimum` observations are inconclusive.
 * Without a champion comparative rules are not applicable and are left out; where nothing remains the outcome is inconclusive.
 * Measurements belong to guardrails of the same metric in order; where their numbers differ, none of that metric is used,
 * because a guess could hold a difference against a limit that is meant for a value.
 */
export function decide(
  guardrails: readonly Guardrail[],
  measurements: readonly Measurement[],
  context: DecisionContext,
): Decision {
  const findings = guardrails.map((guardrail, index): Finding => {
    const measurement = measurementOf(guardrails, measurements, index);
    return { guardrail, measurement, ...judge(guardrail, measurement, context) };
  });
  const applicable = findings.flatMap(({ verdict }) => (verdict === 'not-applicable' ? [] : [verdict]));
  const outcome = allOf(applicable);
  return { outcome, reason: summary(outcome, findings), findings };
}

function measurementOf(
  guardrails: readonly Guardrail[],
  measurements: readonly Measurement[],
  index: number,
): Measurement | null {
  const metric = guardrails[index]?.metric;
  const own = measurements.filter((measurement) => measurement.metric === metric);
  const wanted = guardrails.filter((guardrail) => guardrail.metric === metric);
  if (own.length !== wanted.length) return null;
  const place = guardrails.slice(0, index).filter((guardrail) => guardrail.metric === metric).length;
  return own[place] ?? null;
}

function judge(
  guardrail: Guardrail,
  measurement: Measurement | null,
  context: DecisionContext,
): Pick<Finding, 'verdict' | 'reason'> {
  const { metric, rule, by } = guardrail;
  if ((rule === 'nonInferior' || rule === 'noAlarm') && !context.champion)
    return { verdict: 'not-applicable', reason: `${metric} has no champion to be compared with.` };
  if (measurement === null) return open(`${metric} was not measured.`);
  const answer = by === undefined ? judgeValue(guardrail, measurement) : judgeSlices(guardrail, by, measurement);
  const { unanswered = 0 } = measurement;
  if (answer.verdict !== 'pass' || rule !== 'nonInferior' || unanswered === 0) return answer;
  return open(
    `${metric} leaves out ${unanswered} rows that the champion answers and the challenger cannot: a field of its record is missing there.`,
  );
}

function summary(outcome: Verdict, findings: readonly Finding[]): string {
  const applicable = findings.filter(({ verdict }) => verdict !== 'not-applicable');
  if (applicable.length === 0) return 'No guardrail applies, so nothing was shown.';
  if (outcome === 'pass')
    return `${applicable.length === 1 ? 'The guardrail holds' : `All ${applicable.length} guardrails hold`}: ${sentences(applicable)}`;
  return sentences(applicable.filter(({ verdict }) => verdict === outcome));
}

/** One sentence of several: their last full stops become semicolons. */
function sentences(findings: readonly Finding[]): string {
  return `${findings.map(({ reason }) => reason.replace(/\.$/, '')).join('; ')}.`;
}
