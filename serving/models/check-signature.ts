import type { InferenceSession } from 'onnxruntime-node';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import { type ModelReference, outputOf, type Signature } from '../../domain/model-package.ts';

/**
 * Holds a loaded model.onnx against the package's signature.json, so that a package that cannot answer is refused before it gets traffic.
 *
 * @throws CodedError MODEL_INVALID naming what differs.
 */
export function checkSignature(reference: ModelReference, session: InferenceSession, signature: Signature): void {
  const wanted = [
    ...(signature.numbers.length > 0 ? [`numbers float32 ${signature.numbers.length}`] : []),
    ...(signature.categories.length > 0 ? [`categories string ${signature.categories.length}`] : []),
  ];
  const found = session.inputMetadata.map(
    (input) => `${input.name} ${input.isTensor ? `${input.type} ${String(input.shape.at(-1))}` : 'no tensor'}`,
  );
  if (canonicalJson(wanted.toSorted()) !== canonicalJson(found.toSorted())) {
    throw cannotAnswer(reference, `its inputs are [${found.join('; ')}], its signature says [${wanted.join('; ')}]`);
  }
  const { name, width } = outputOf(signature);
  const output = session.outputMetadata.find((each) => each.name === name);
  if (output === undefined) {
    throw cannotAnswer(reference, `it has no output '${name}', only [${session.outputNames.join('; ')}]`);
  }
  const last = output.isTensor ? output.shape.at(-1) : undefined;
  if (typeof last === 'number' && last !== width) {
    throw cannotAnswer(reference, `its output '${name}' is ${last} wide, its signature says ${width}`);
  }
  // An answer names the target and, beside it, the probabilities.
  if (name === 'probabilities' && signature.target.name === name) {
    throw cannotAnswer(reference, `its target is called '${name}', as a part of each answer is`);
  }
}

/** MODEL_INVALID of one package. */
export function cannotAnswer(reference: ModelReference, problem: string, cause: unknown = null): CodedError {
  return new CodedError(
    'MODEL_INVALID',
    `Model ${reference.model} version ${reference.modelVersion} cannot answer: ${problem}. Look at the training run that wrote it.`,
    { cause },
  );
}
