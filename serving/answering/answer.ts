import { CodedError } from '../../domain/errors.ts';
import type { Signature } from '../../domain/model-package.ts';

/**
 * What a client gets: `{ late: 0.37 }`, the probability of a binary target; `{ price: 1200 }`, the prediction of a number;
 * `{ species: 'gentoo', probabilities: { adelie: 0.02, gentoo: 0.98 } }`, the most likely class with the probability of each.
 */
export type Output = Readonly<Record<string, number | string | Readonly<Record<string, number>>>>;

/**
 * One row's answer: for the client, and as the one number of it that the inference log holds. `confidence`: the probability of the likelier
 * side or class; null for the prediction of a number.
 */
export type RowAnswer = { readonly output: Output; readonly logged: number; readonly confidence: number | null };

/**
 * Makes an answer of a row of model.onnx's output. Logged is the probability, the prediction, or the place of the most likely class (of equal
 * ones the first), because evidence and drift are counted over numbers.
 *
 * @throws CodedError MODEL_INVALID for a row of another width than the signature says.
 */
export function answerOf(signature: Pick<Signature, 'target' | 'classes'>, row: ArrayLike<number>): RowAnswer {
  const { name, task } = signature.target;
  switch (task) {
    case 'binary':
    case 'regression': {
      const value = row[0];
      if (value === undefined || row.length !== 1) throw odd(name, row.length);
      const confidence = task === 'binary' ? Math.max(value, 1 - value) : null;
      return { output: { [name]: value }, logged: value, confidence };
    }
    case 'multiclass': {
      const probabilities = Array.from(row);
      const classes = signature.classes ?? [];
      const place = probabilities.indexOf(Math.max(...probabilities));
      const likeliest = classes[place];
      if (likeliest === undefined || probabilities.length !== classes.length) throw odd(name, row.length);
      const named = Object.fromEntries(classes.map((each, at) => [each, probabilities[at] ?? 0]));
      const confidence = probabilities[place] ?? null;
      return { output: { probabilities: named, [name]: likeliest }, logged: place, confidence };
    }
    default:
      return task satisfies never;
  }
}

function odd(name: string, width: number): CodedError {
  return new CodedError(
    'MODEL_INVALID',
    `The model's answer has ${width} numbers, which is not what its signature says of the target '${name}'. Look at the training run that wrote it.`,
  );
}
