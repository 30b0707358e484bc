import { CodedError } from './errors.ts';
import type { Guardrail } from './guardrail.ts';

/** Which rules a stage can hold each of its metrics to. */
export type MetricRules = Readonly<Record<string, readonly Guardrail['rule'][]>>;

/** What narrows a guardrail beyond its metric and rule; only a hold-out can be cut so. */
const narrowings = ['by', 'slices', 'poolBelow', 'threshold', 'quantile', 'cases'] as const;

/**
 * Refuses guardrails that live traffic cannot be measured for, before any work is done: a metric that is silently left out would leave the
 * release inconclusive hours later, and a slice that is not looked at would pass.
 *
 * @throws CodedError INPUT_INVALID naming the guardrail and listing what the stage knows.
 */
export function requireMeasurable(stage: string, known: MetricRules, guardrails: readonly Guardrail[]): void {
  requireKnown(stage, known, guardrails);
  for (const guardrail of guardrails) {
    const { metric, rule } = guardrail;
    const narrowed = narrowings.find((name) => guardrail[name] !== undefined);
    const bounded = (rule === 'atLeast' || rule === 'atMost') && guardrail.alpha !== undefined ? 'alpha' : undefined;
    const unknown = narrowed ?? bounded;
    if (unknown !== undefined)
      throw new CodedError(
        'INPUT_INVALID',
        `${stage} cannot measure '${metric}' with '${unknown}'. Ask for it in 'evaluate', or leave '${unknown}' out.`,
        { details: { metric, rule } },
      );
  }
}

/**
 * Refuses a metric or rule that a stage does not have.
 *
 * @throws CodedError INPUT_INVALID naming the guardrail and listing what the stage knows.
 */
export function requireKnown(stage: string, known: MetricRules, guardrails: readonly Guardrail[]): void {
  for (const guardrail of guardrails) {
    const { metric, rule } = guardrail;
    const rules = Object.hasOwn(known, metric) ? known[metric] : undefined;
    if (rules?.includes(rule) !== true) {
      const list = Object.entries(known).map(([name, own]) => `${name} (${own.join(', ')})`);
      throw new CodedError(
        'INPUT_INVALID',
        `${stage} cannot hold '${metric}' to the rule '${rule}'. Use one of: ${list.join(', ')}.`,
        { details: { metric, rule } },
      );
    }
    if (metric === 'slowAnswers' && !(rule === 'noAlarm' && guardrail.limitMs !== undefined))
      throw new CodedError(
        'INPUT_INVALID',
        "Guardrail 'slowAnswers' lacks limitMs. Give the latency in milliseconds above which an answer is slow.",
        { details: { metric, rule } },
      );
  }
}
