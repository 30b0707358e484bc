import type { ProgramTrainer, TrainerSpec } from '../../domain/trainer.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';

/**
 * Trains, and again with half the batch each time that the device ran out of memory, as far as the trainer says that it may
 * (`smallerBatch`). Gives the trainer that came through beside the result: what was trained is not what was asked for.
 *
 * @throws CodedError DEVICE_MEMORY_EXHAUSTED when the least batch does not fit either, or the trainer does not allow a smaller one.
 */
export async function withSmallerBatch<Result>(
  trainer: TrainerSpec,
  options: {
    readonly attempt: (trainer: TrainerSpec) => Promise<Result>;
    readonly onSmaller: (text: string) => void;
  },
): Promise<{ readonly result: Result; readonly trainer: TrainerSpec }> {
  for (let current = trainer; ;) {
    try {
      return { result: await options.attempt(current), trainer: current };
    } catch (error) {
      if (!isCoded(error, 'DEVICE_MEMORY_EXHAUSTED')) throw error;
      const smaller = halved(current);
      if (smaller === null) throw exhausted(trainer, current, error);
      options.onSmaller(`The device's memory is exhausted: tried again with ${batchOf(smaller)}.`);
      current = smaller;
    }
  }
}

/** The same trainer with half the batch, at least `least`; null where it cannot be made smaller. */
function halved(trainer: TrainerSpec): ProgramTrainer | null {
  if (trainer.kind !== 'program' || trainer.smallerBatch === undefined) return null;
  const { param, least } = trainer.smallerBatch;
  const batch = trainer.params[param];
  if (typeof batch !== 'number' || batch <= least) return null;
  return { ...trainer, params: { ...trainer.params, [param]: Math.max(least, Math.floor(batch / 2)) } };
}

function batchOf(trainer: ProgramTrainer): string {
  const param = trainer.smallerBatch?.param ?? '';
  return `${param} ${JSON.stringify(trainer.params[param])}`;
}

/** The trainer's own words stay where nothing smaller was tried. */
function exhausted(asked: TrainerSpec, least: TrainerSpec, error: CodedError): CodedError {
  if (asked === least || least.kind !== 'program') return error;
  return new CodedError(
    'DEVICE_MEMORY_EXHAUSTED',
    `The device's memory does not suffice for the least batch either (${batchOf(least)}). ${error.message}`,
    { details: error.details, cause: error },
  );
}
