import * as tf from '@tensorflow/tfjs-core';
import type { Task } from '../../domain/target.ts';

/**
 * What a batch should have answered: `wanted` [n, outputs] is 0 or 1, one column a class, or the standardised number; `weights` [n, 1] says how
 * much each row counts, null: all the same.
 */
export type Wanted = { readonly values: tf.Tensor2D; readonly weights: tf.Tensor2D | null };

/** The loss, and its gradient in the network's outputs. */
export type Loss = { readonly loss: tf.Scalar; readonly delta: tf.Tensor2D };

/**
 * The mean loss of a batch over its rows: binary cross entropy of logits, max(x, 0) - xy + ln(1 + e^-|x|), which cannot overflow; cross
 * entropy of the softmax; or the squared error. Weighted rows count `weight` times, and the mean is still over the number of rows.
 */
export function lossOf(task: Task, outputs: tf.Tensor2D, { values, weights }: Wanted): Loss {
  const { losses, delta } = parts(task, outputs, values);
  const mean = tf.div<tf.Tensor2D>(delta, values.shape[0]);
  if (weights === null) return { loss: tf.mean(losses), delta: mean };
  return { loss: tf.mean(tf.mul(losses, weights)), delta: tf.mul(mean, weights) };
}

/** The loss of each row, [n, 1], and its gradient in the outputs, [n, outputs]. */
function parts(
  task: Task,
  outputs: tf.Tensor2D,
  wanted: tf.Tensor2D,
): { readonly losses: tf.Tensor2D; readonly delta: tf.Tensor2D } {
  switch (task) {
    case 'binary': {
      const softplus = tf.log1p(tf.exp(tf.neg(tf.abs(outputs))));
      const losses = tf.add<tf.Tensor2D>(tf.sub(tf.relu(outputs), tf.mul(outputs, wanted)), softplus);
      return { losses, delta: tf.sub(tf.sigmoid(outputs), wanted) };
    }
    case 'multiclass': {
      const { shifted, sums, probabilities } = softmaxParts(outputs);
      const own = tf.sum<tf.Tensor2D>(tf.mul(shifted, wanted), 1, true);
      return { losses: tf.sub(tf.log(sums), own), delta: tf.sub(probabilities, wanted) };
    }
    case 'regression': {
      const error = tf.sub<tf.Tensor2D>(outputs, wanted);
      return { losses: tf.square(error), delta: tf.mul(error, 2) };
    }
    default:
      return task satisfies never;
  }
}

/** Probabilities of the classes, [n, classes]; the largest logit is taken off first, so that nothing overflows. */
export function softmax(logits: tf.Tensor2D): tf.Tensor2D {
  return softmaxParts(logits).probabilities;
}

function softmaxParts(logits: tf.Tensor2D): {
  readonly shifted: tf.Tensor2D;
  readonly sums: tf.Tensor2D;
  readonly probabilities: tf.Tensor2D;
} {
  const shifted = tf.sub<tf.Tensor2D>(logits, tf.max(logits, 1, true));
  const powers = tf.exp(shifted);
  const sums = tf.sum<tf.Tensor2D>(powers, 1, true);
  return { shifted, sums, probabilities: tf.div(powers, sums) };
}
