import { CodedError } from './errors.ts';
import type { Guardrail } from './guardrail.ts';

/** Which rules a stage can hold each of its metrics to. */
export type MetricRules = Readonly<Record<string, readonly Guardrail['rule'][]>>;

/**
 * Refuses guardrails that a stage cannot measure, before any work is done: a metric that is silently left out would leave the
 * release inconclusive hours later.
 *
 * @throws CodedError INPUT_INVALID naming the guardrail and listing what the stage knows.
 */
export function requireMeasurable(stage: string, known: MetricRules, guardrails: readonly Guardrail[]): void {
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
