import type { Decision, Finding } from './decision.ts';
import type { Guardrail, Measurement } from './guardrail.ts';
import { allOf, type Verdict } from './verdict.ts';

/** Whether there is a champion to compare with. */
export type DecisionContext = { readonly champion: boolean };

type Answer = { readonly verdict: Finding['verdict']; readonly reason: string };

/**
 * Holds measurements against guardrails: one finding per guardrail, in their order.
 *
 * Silence is never a pass: a missing measurement, a null value or bound, or fewer than `minimum` observations are inconclusive.
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

function judge(guardrail: Guardrail, measurement: Measurement | null, context: DecisionContext): Answer {
  const { metric, rule } = guardrail;
  if ((rule === 'nonInferior' || rule === 'noAlarm') && !context.champion)
    return { verdict: 'not-applicable', reason: `${metric} has no champion to be compared with.` };
  if (measurement === null) return open(`${metric} was not measured.`);
  const { value, n } = measurement;
  if (value === null || !Number.isFinite(value)) return open(`${metric} could not be measured on ${n} observations.`);
  const minimum = guardrail.minimum ?? 1;
  if (n < minimum) return open(`${metric} rests on ${n} observations, ${minimum} are needed.`);
  switch (rule) {
    case 'atLeast':
      return limited(value >= guardrail.limit, measurement, `at least ${number(guardrail.limit)}`);
    case 'atMost':
      return limited(value <= guardrail.limit, measurement, `at most ${number(guardrail.limit)}`);
    case 'nonInferior':
      return nonInferior(guardrail, measurement);
    case 'noAlarm':
      return noAlarm(guardrail, measurement, value);
    default:
      return rule satisfies never;
  }
}

function limited(holds: boolean, measurement: Measurement, wanted: string): Answer {
  return {
    verdict: holds ? 'pass' : 'fail',
    reason: `${measurement.metric} is ${quantity(measurement)}; ${wanted} is asked.`,
  };
}

function nonInferior(guardrail: Extract<Guardrail, { rule: 'nonInferior' }>, measurement: Measurement): Answer {
  const { lower, upper, metric, value } = measurement;
  if (typeof lower !== 'number' || typeof upper !== 'number')
    return open(`${metric} has no confidence bounds yet on ${measurement.n} observations.`);
  const [best, worst] = guardrail.better === 'higher' ? [upper, lower] : [-lower, -upper];
  const verdict: Verdict = worst > -guardrail.margin ? 'pass' : best < -guardrail.margin ? 'fail' : 'inconclusive';
  const said = { pass: 'shown not worse', fail: 'shown worse', inconclusive: 'not shown either way' }[verdict];
  const range = `${signed(value ?? 0)} (${signed(lower)} to ${signed(upper)})`;
  return {
    verdict,
    reason: `${metric} differs from the champion's by ${range}: ${said} by more than ${number(guardrail.margin)}.`,
  };
}

function noAlarm(
  guardrail: Extract<Guardrail, { rule: 'noAlarm' }>,
  measurement: Measurement,
  evidence: number,
): Answer {
  const alarm = 1 / guardrail.alpha;
  const holds = evidence < alarm;
  const said = holds ? 'no alarm' : 'worse than the champion';
  return {
    verdict: holds ? 'pass' : 'fail',
    reason: `${measurement.metric}: ${said}, evidence ${number(evidence)} of the ${number(alarm)} that raise an alarm, on ${measurement.n} answers.`,
  };
}

function open(reason: string): Answer {
  return { verdict: 'inconclusive', reason };
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

function quantity({ value, unit }: Measurement): string {
  if (value === null) return 'unknown';
  if (unit === 'share') return `${number(value * 100)} %`;
  return unit === 'ms' ? `${number(value)} ms` : number(value);
}

/** Four significant digits, whole numbers from 1000 on: more would look surer than it is. */
function number(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}
