import type { Guardrail, Measurement } from './guardrail.ts';
import { number, quantity, signed } from './quantity.ts';
import type { Verdict } from './verdict.ts';

/** What one guardrail says of one measurement, in a sentence. */
export type Answer = { readonly verdict: Verdict; readonly reason: string };

/** Room for the rounding of alpha, when bounds are held against what the guardrail asks for. */
const rounding = 1e-12;

/** Holds one number, of all rows or of one slice, against a guardrail. A missing value or bound, or too few observations, is inconclusive. */
export function judgeValue(guardrail: Guardrail, measurement: Measurement): Answer {
  const { metric, value, n } = measurement;
  if (value === null || !Number.isFinite(value)) return open(`${metric} could not be measured on ${n} observations.`);
  const minimum = guardrail.minimum ?? 1;
  if (n < minimum) return open(`${metric} rests on ${n} observations, ${minimum} are needed.`);
  const { alpha } = guardrail;
  if (alpha !== undefined && measurement.alpha !== undefined && measurement.alpha > alpha + rounding)
    return open(`${metric} has bounds at the error ${number(measurement.alpha)}, ${number(alpha)} is asked.`);
  switch (guardrail.rule) {
    case 'atLeast':
    case 'atMost':
      return guardrail.alpha === undefined
        ? pointLimit(guardrail, measurement, value)
        : boundLimit(guardrail, measurement);
    case 'nonInferior':
      return nonInferior(guardrail, measurement);
    case 'noAlarm':
      return noAlarm(guardrail, measurement, value);
    default:
      return guardrail satisfies never;
  }
}

/** An answer that says neither yes nor no. */
export function open(reason: string): Answer {
  return { verdict: 'inconclusive', reason };
}

type Limit = Extract<Guardrail, { rule: 'atLeast' | 'atMost' }>;

function pointLimit(guardrail: Limit, measurement: Measurement, value: number): Answer {
  const holds = guardrail.rule === 'atLeast' ? value >= guardrail.limit : value <= guardrail.limit;
  return {
    verdict: holds ? 'pass' : 'fail',
    reason: `${measurement.metric} is ${quantity(measurement)}; ${wanted(guardrail, measurement)} is asked.`,
  };
}

/** The bound on the bad side must hold the limit to pass, the bound on the good side must miss it to fail. */
function boundLimit(guardrail: Limit, measurement: Measurement): Answer {
  const { metric, lower, upper, n, unit } = measurement;
  if (!isNumber(lower) || !isNumber(upper)) return open(`${metric} has no confidence bounds on ${n} observations.`);
  const { limit, rule } = guardrail;
  const [holds, misses] = rule === 'atLeast' ? [lower >= limit, upper < limit] : [upper <= limit, lower > limit];
  const verdict: Verdict = holds ? 'pass' : misses ? 'fail' : 'inconclusive';
  const said = { pass: '', fail: '', inconclusive: ', not shown either way' }[verdict];
  const range = `${quantity(measurement)} (${quantity({ value: lower, ...given(unit) })} to ${quantity({ value: upper, ...given(unit) })})`;
  return { verdict, reason: `${metric} is ${range}; ${wanted(guardrail, measurement)} is asked${said}.` };
}

function nonInferior(guardrail: Extract<Guardrail, { rule: 'nonInferior' }>, measurement: Measurement): Answer {
  const { lower, upper, metric, value } = measurement;
  if (!isNumber(lower) || !isNumber(upper))
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

/** Runs of before wrote a share's limit as it stands in the guardrail; bytes are told in MiB, as they are measured. */
function wanted({ rule, limit }: Limit, { unit }: Measurement): string {
  const said = unit === 'bytes' || unit === 'rows/s' ? quantity({ value: limit, unit }) : number(limit);
  return `${rule === 'atLeast' ? 'at least' : 'at most'} ${said}`;
}

function given(unit: Measurement['unit']): Pick<Measurement, 'unit'> {
  return unit === undefined ? {} : { unit };
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
