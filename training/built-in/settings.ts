import { CodedError } from '../../domain/errors.ts';
import type { DenseTrainer } from '../../domain/trainer.ts';

/**
 * Refuses settings that cannot be trained with, all of them at once.
 *
 * @throws CodedError INPUT_INVALID listing them.
 */
export function requireUsable(trainer: DenseTrainer, seed: number): void {
  const { epochs, batchSize, embedding, checkpointEvery = 1, earlyStopping, classWeights } = trainer;
  const whole = { epochs, batchSize, embedding, checkpointEvery, patience: earlyStopping?.patience ?? 1 };
  const share = earlyStopping?.share ?? 0.5;
  const weights = classWeights === undefined || classWeights === 'balanced' ? {} : classWeights;
  const problems = [
    ...Object.entries(whole)
      .filter(([, value]) => !Number.isInteger(value) || value < 1)
      .map(([name, value]) => `${name} must be a whole number from 1, got ${value}`),
    ...trainer.hidden
      .filter((width) => !Number.isInteger(width) || width < 1)
      .map((width) => `hidden widths must be whole numbers from 1, got ${width}`),
    ...(trainer.learningRate > 0 && Number.isFinite(trainer.learningRate)
      ? []
      : [`learningRate must be above 0, got ${trainer.learningRate}`]),
    ...(share > 0 && share < 1 ? [] : [`earlyStopping.share must be between 0 and 1, got ${share}`]),
    ...Object.entries(weights)
      .filter(([, value]) => !Number.isFinite(value) || value <= 0)
      .map(([name, value]) => `the class weight of '${name}' must be above 0, got ${value}`),
    ...(Number.isSafeInteger(seed) ? [] : [`seed must be a whole number, got ${seed}`]),
  ];
  if (problems.length > 0)
    throw new CodedError('INPUT_INVALID', `The trainer's settings do not hold up: ${problems.join('; ')}.`);
}
