import { CodedError } from '../../domain/errors.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readSignature } from '../../stores/read-signature.ts';

/** What is computed of probabilities: in the log, a number or the place of a class looks like one, and would be scored as one. */
const ofProbabilities: readonly string[] = ['logLoss', 'agreement'];

/**
 * Refuses guardrails on live answers that the challenger's answers have no meaning for. Nothing is read where no such guardrail is asked.
 *
 * @throws CodedError INPUT_INVALID naming metric and task; NOT_FOUND or PACKAGE_ALTERED for the package.
 */
export async function requireTask(
  store: ObjectStore,
  challenger: ModelReference,
  guardrails: readonly Guardrail[],
): Promise<void> {
  const asked = guardrails.find(({ metric }) => ofProbabilities.includes(metric));
  if (asked === undefined) return;
  const { task } = (await readSignature(store, challenger)).target;
  if (task === 'binary') return;
  throw new CodedError(
    'INPUT_INVALID',
    `'${asked.metric}' is measured on live answers of a binary model only; ${challenger.model} version ${challenger.modelVersion} is of task '${task}'. Leave it out here, and measure the quality in 'evaluate'.`,
    { details: { metric: asked.metric, task } },
  );
}
