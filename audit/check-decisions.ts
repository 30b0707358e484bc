import { canonicalJson } from '../domain/canonical-json.ts';
import { decideAgain } from '../domain/decide-again.ts';
import type { Decision, Finding } from '../domain/decision.ts';
import { firstJsonDifference } from './json-difference.ts';

/** What recomputing found. `unmeasured` counts findings without a measurement, `withheld` passes that a step did not give; `differences` one line for each decision that does not follow. */
export type DecisionChecks = {
  readonly decisions: number;
  readonly findings: number;
  readonly unmeasured: number;
  readonly withheld: number;
  readonly differences: readonly string[];
};

/**
 * Finds every decision in recorded values, whatever carries it, and decides again from its own guardrails and measurements: outcome and
 * verdicts must come out the same. The same decision in several places counts once.
 */
export function checkDecisions(values: readonly unknown[]): DecisionChecks {
  const decisions = [...new Map(values.flatMap(findDecisions).map((each) => [canonicalJson(each), each])).values()];
  const findings = decisions.flatMap((decision) => decision.findings);
  const decidedAgain = decisions.map((decision) => ({ decision, again: decideAgain(decision) }));
  return {
    decisions: decisions.length,
    findings: findings.length,
    unmeasured: findings.filter(({ measurement }) => measurement === null).length,
    withheld: decidedAgain.filter(isWithheld).length,
    differences: decidedAgain.flatMap((pair) => decisionDifference(pair) ?? []),
  };
}

type DecidedAgain = { readonly decision: Decision; readonly again: Decision };

/** A step may leave open what its guardrails would pass, for want of requests or time. Nothing may pass what they do not. */
function isWithheld({ decision, again }: DecidedAgain): boolean {
  return decision.outcome === 'inconclusive' && again.outcome === 'pass';
}

function decisionDifference({ decision, again }: DecidedAgain): string | null {
  const expected = isWithheld({ decision, again }) ? { ...again, outcome: decision.outcome } : again;
  const difference = firstJsonDifference(verdicts(decision), verdicts(expected));
  if (difference === null) return null;
  return `the decision '${decision.reason}' says at ${difference.path} ${difference.first}, its measurements say ${difference.second}`;
}

function verdicts({ outcome, findings }: Decision): unknown {
  return { outcome, findings: findings.map(({ guardrail: { metric, rule }, verdict }) => ({ metric, rule, verdict })) };
}

function findDecisions(value: unknown): readonly Decision[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(findDecisions);
  return isDecision(value) ? [value, ...below] : below;
}

function isDecision(value: object): value is Decision {
  if (!('outcome' in value) || typeof value.outcome !== 'string') return false;
  return 'findings' in value && Array.isArray(value.findings) && value.findings.every(isFinding);
}

function isFinding(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && 'guardrail' in value && 'measurement' in value;
}
