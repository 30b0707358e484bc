import type { BehaviourCases, Guardrail } from '../../domain/guardrail.ts';

/** How many of the cases must hold, as a share (all where it is left out), and how many must be there at least. */
export type BehaviourOptions = { readonly atLeast?: number; readonly minimum?: number };

type Cases<Kind extends BehaviourCases['kind']> = Omit<Extract<BehaviourCases, { kind: Kind }>, 'kind'>;

/**
 * What any sound model does, tried on the packed model (Ribeiro and others, CheckList, ACL 2020): each guardrail measures the share of
 * cases that hold, and shows up to five that do not.
 *
 * @example
 * behaviour.invariant({ of: { sample: 500 }, change: { field: 'name', to: ['Ann', 'Bob'] }, tolerance: 0.01 })
 * @example
 * behaviour.directional({ of: { sample: 500 }, change: { field: 'income', multiply: 1.1 }, expect: 'up', strict: false, atLeast: 0.99 })
 * @example
 * behaviour.minimumFunctionality({ examples: [{ record: { distance: 0, origin: 'ORD' }, expect: { atMost: 0.1 } }] })
 */
export const behaviour = {
  /** The answer stays within `tolerance` when the field changes. */
  invariant: ({ atLeast, minimum, ...cases }: Cases<'invariant'> & BehaviourOptions): Guardrail =>
    held({ kind: 'invariant', ...cases }, { atLeast, minimum }),
  /** The answer goes the way that is expected when the field changes; `strict` false lets it stay. */
  directional: ({ atLeast, minimum, ...cases }: Cases<'directional'> & BehaviourOptions): Guardrail =>
    held({ kind: 'directional', ...cases }, { atLeast, minimum }),
  /** Plain examples with the answer that any sound model gives. */
  minimumFunctionality: ({ atLeast, minimum, ...cases }: Cases<'minimumFunctionality'> & BehaviourOptions): Guardrail =>
    held({ kind: 'minimumFunctionality', ...cases }, { atLeast, minimum }),
};

function held(
  cases: BehaviourCases,
  asked: { readonly atLeast: number | undefined; readonly minimum: number | undefined },
): Guardrail {
  const { atLeast = 1, minimum } = asked;
  return {
    metric: cases.kind,
    rule: 'atLeast',
    limit: atLeast,
    ...(minimum === undefined ? {} : { minimum }),
    cases,
  };
}
