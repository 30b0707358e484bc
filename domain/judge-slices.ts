import { isFairnessMetric } from './evaluation/fairness.ts';
import type { Guardrail, Measurement, SliceMeasurement } from './guardrail.ts';
import { type Answer, judgeValue, open } from './judge.ts';
import { allOf } from './verdict.ts';

/** More slices than these are counted, not named: a sentence stays a sentence. */
const mostNamed = 5;

/**
 * Holds a guardrail against the slices of its column. Of a quality metric every slice must hold; of a fairness metric every group must be
 * there and be large enough, then the distance of the groups is judged. A slice that is missing, too small or without a value is never a pass.
 */
export function judgeSlices(guardrail: Guardrail, by: string, measurement: Measurement): Answer {
  const slices = measurement.slices ?? [];
  const { metric } = measurement;
  if (slices.length === 0) return open(`${metric} was not measured by ${by}.`);
  const missing = (guardrail.slices ?? []).filter((name) => !slices.some(({ slice }) => slice === name));
  return isFairnessMetric(metric)
    ? judgeGroups(guardrail, measurement, { by, slices, missing })
    : judgeEach(guardrail, measurement, { by, slices, missing });
}

type Sliced = {
  readonly by: string;
  readonly slices: readonly SliceMeasurement[];
  readonly missing: readonly string[];
};

function judgeEach(guardrail: Guardrail, measurement: Measurement, { by, slices, missing }: Sliced): Answer {
  const answers = [
    ...slices.map(({ slice, ...own }) => {
      const { metric, unit, alpha } = measurement;
      const named = { metric: `${metric} of ${by} ${slice}`, ...(unit && { unit }), ...(alpha && { alpha }) };
      return judgeValue(guardrail, { ...named, ...own });
    }),
    ...missing.map((name) => open(`${measurement.metric} of ${by} ${name} was not measured: there is no such row.`)),
  ];
  const verdict = allOf(answers.map((answer) => answer.verdict));
  if (verdict === 'pass')
    return {
      verdict,
      reason: `${measurement.metric} holds in each of the ${slices.length} slices by ${by}: ${listed(answers)}.`,
    };
  return { verdict, reason: `${listed(answers.filter((answer) => answer.verdict === verdict))}.` };
}

function judgeGroups(guardrail: Guardrail, measurement: Measurement, { by, slices, missing }: Sliced): Answer {
  const { metric } = measurement;
  if (missing.length > 0) return open(`${metric} by ${by} lacks the groups ${missing.join(', ')}.`);
  if (slices.length < 2) return open(`${metric} by ${by} has one group only, ${slices[0]?.slice ?? ''}.`);
  const minimum = guardrail.minimum ?? 1;
  const small = slices.filter(({ n }) => n < minimum);
  if (small.length > 0)
    return open(
      `${metric} by ${by} has groups of fewer than ${minimum} observations: ${shortened(small.map(({ slice, n }) => `${slice} (${n})`))}.`,
    );
  return judgeValue(guardrail, { ...measurement, metric: `${metric} by ${by}` });
}

function listed(answers: readonly Answer[]): string {
  return shortened(
    answers.map(({ reason }) => reason.replace(/\.$/, '')),
    '; ',
  );
}

function shortened(parts: readonly string[], between = ', '): string {
  const more = parts.length - mostNamed;
  return `${parts.slice(0, mostNamed).join(between)}${more > 0 ? `${between}and ${more} more` : ''}`;
}
