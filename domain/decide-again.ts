import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Measurement } from './guardrail.ts';

/**
 * Decides once more from a decision's own guardrails and measurements: whoever acts on a decision, or audits it, does not take its word.
 * That there was a champion is told from any comparative finding that was applied.
 */
export function decideAgain({ findings }: Decision): Decision {
  const comparative = findings.filter(({ guardrail: { rule } }) => rule === 'nonInferior' || rule === 'noAlarm');
  const champion = comparative.length === 0 || comparative.some(({ verdict }) => verdict !== 'not-applicable');
  const guardrails = findings.map(({ guardrail }) => guardrail);
  const measurements = findings.flatMap(({ measurement }): readonly Measurement[] =>
    measurement === null ? [] : [measurement],
  );
  return decide(guardrails, measurements, { champion });
}
