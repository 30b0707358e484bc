import { setImmediate } from 'node:timers/promises';
import { type CodedError, isCoded } from '../../domain/errors.ts';
import { mostLikely } from '../../domain/evaluation/answers.ts';
import type { BehaviourCases, Measurement } from '../../domain/guardrail.ts';
import type { Signature } from '../../domain/model-package.ts';
import { number } from '../../domain/quantity.ts';
import { type BehaviourCase, layOutCases, type Sample } from './behaviour-cases.ts';
import type { ModelInput, PackedModel } from './packed-model.ts';

/** Shown of the cases that did not hold. */
const mostExamples = 5;
/** Cases that are answered at once. */
const batchCases = 256;

type Answer = Float32Array | CodedError;
type Expectation = Extract<BehaviourCases, { kind: 'minimumFunctionality' }>['examples'][number]['expect'];

/**
 * Tries the cases on the packed model: `value` is the share that holds, null where there is no case. A record that the feature function
 * fails on does not hold: a client would get an error.
 *
 * @throws CodedError INPUT_INVALID when a case cannot be put to this model; MODEL_INVALID; the signal's reason when it is aborted.
 */
export async function measureBehaviour(
  model: PackedModel,
  cases: BehaviourCases,
  options: { readonly sample: Sample; readonly signal: AbortSignal },
): Promise<Measurement> {
  const laidOut = await layOutCases(model.features, cases, options.sample);
  const failed: string[] = [];
  let held = 0;
  for (let start = 0; start < laidOut.length; start += batchCases) {
    options.signal.throwIfAborted();
    const batch = laidOut.slice(start, start + batchCases);
    const before = await answers(
      model,
      batch.flatMap((one) => (one.before === null ? [] : [one.before])),
    );
    const after = await answers(
      model,
      batch.map((one) => one.after),
    );
    for (const [row, one] of batch.entries()) {
      const why = unheld(model.signature, cases, { one, before: before[row], after: after[row] });
      if (why === null) held += 1;
      else failed.push(`${one.name}: ${why}`);
    }
    await setImmediate();
  }
  const n = laidOut.length;
  return {
    metric: cases.kind,
    value: n === 0 ? null : held / n,
    n,
    unit: 'share',
    ...(failed.length === 0 ? {} : { examples: failed.slice(0, mostExamples) }),
  };
}

/** All at once; one at a time where the feature function fails on one. */
async function answers(model: PackedModel, inputs: readonly ModelInput[]): Promise<readonly Answer[]> {
  try {
    return await model.answer(inputs);
  } catch (error) {
    if (!isCoded(error, 'FEATURES_INVALID')) throw error;
    if (inputs.length === 1) return [error];
    const each: Answer[] = [];
    for (const input of inputs) each.push(...(await answers(model, [input])));
    return each;
  }
}

type Tried = {
  readonly one: BehaviourCase;
  readonly before: Answer | undefined;
  readonly after: Answer | undefined;
};

/** Why a case does not hold; null when it does. */
function unheld(signature: Signature, cases: BehaviourCases, { one, before, after }: Tried): string | null {
  if (isCoded(before)) return before.message;
  if (isCoded(after)) return after.message;
  if (after === undefined) return 'no answer';
  switch (cases.kind) {
    case 'invariant': {
      const apart = largestChange(before ?? new Float32Array(), after);
      return apart <= cases.tolerance ? null : `the answer changes by ${number(apart)}`;
    }
    case 'directional': {
      const change = (after[0] ?? Number.NaN) - (before?.[0] ?? Number.NaN);
      const way = cases.expect === 'up' ? change : -change;
      return way > 0 || (!cases.strict && way === 0) ? null : `the answer changes by ${number(change)}`;
    }
    case 'minimumFunctionality':
      return unexpected(signature, cases.examples[one.place]?.expect ?? {}, after);
    default:
      return cases satisfies never;
  }
}

function largestChange(before: Float32Array, after: Float32Array): number {
  let largest = 0;
  for (const [column, value] of after.entries()) {
    const change = Math.abs(value - (before[column] ?? Number.NaN));
    if (Number.isNaN(change)) return change;
    largest = Math.max(largest, change);
  }
  return largest;
}

/** With a class and limits the limits are of that class's probability; a class alone must be the most likely one. */
function unexpected(signature: Signature, expect: Expectation, answer: Float32Array): string | null {
  const { classes = [] } = signature;
  const limited = expect.atLeast !== undefined || expect.atMost !== undefined;
  const found = classes[mostLikely(answer, 0, answer.length)] ?? '';
  if (expect.class !== undefined && !limited) return found === expect.class ? null : `the answer is '${found}'`;
  const column = expect.class === undefined ? 0 : classes.indexOf(expect.class);
  const value = answer[column] ?? Number.NaN;
  const holds = value >= (expect.atLeast ?? -Infinity) && value <= (expect.atMost ?? Infinity);
  return holds ? null : `the answer is ${number(value)}`;
}
