import type { DataSchema, Expectation } from '../../domain/expectation.ts';
import type { GateFindings, Violation } from '../../domain/validation-report.ts';
import type { ViolationCode } from '../../domain/expectation.ts';

/** What a decision rests on. */
export type DecisionFacts = {
  readonly rows: number;
  /** Rows that a blocking row expectation marked. */
  readonly badRows: number;
  readonly expectations: number;
  readonly violations: readonly Violation[];
  readonly quarantineUpTo: number;
};

/** Codes of which each single bad row is known, so that the others can go on without them. */
const rowCodes: ReadonlySet<ViolationCode> = new Set<ViolationCode>([
  'FEATURE_TYPE_LOW_FRACTION_PRESENT',
  'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
  'PATTERN_MISMATCH',
  'CONDITION_NOT_MET',
  'ROW_FUNCTION_NOT_MET',
  'FLOAT_TYPE_SMALL_FLOAT',
  'FLOAT_TYPE_BIG_FLOAT',
  'INT_TYPE_SMALL_INT',
  'INT_TYPE_BIG_INT',
]);

/**
 * What follows from what was found. Where nothing was asked, or there was no row to ask about, nothing passes. Bad rows alone may be left
 * behind, up to the share that the schema allows, if any row is left; whatever else blocks is about the data as a whole, bad rows
 * included: a mean that is wrong because of them blocks as well.
 */
export function decide(facts: DecisionFacts): Pick<GateFindings, 'decision' | 'verdict'> {
  const blocking = facts.violations.filter(({ severity }) => severity === 'block');
  if (blocking.length === 0) {
    if (facts.expectations === 0 || facts.rows === 0) return { decision: 'block', verdict: 'inconclusive' };
    return { decision: facts.violations.length === 0 ? 'pass' : 'warn', verdict: 'pass' };
  }
  const rowsAlone = blocking.every(({ code }) => rowCodes.has(code));
  const few = facts.badRows <= facts.quarantineUpTo * facts.rows && facts.badRows < facts.rows;
  return rowsAlone && few ? { decision: 'quarantine', verdict: 'pass' } : { decision: 'block', verdict: 'fail' };
}

/** The expectations that are held in an environment. */
export function heldIn({ expectations }: DataSchema, environment: string): readonly Expectation[] {
  return expectations.filter(({ environments }) => environments === undefined || environments.includes(environment));
}
