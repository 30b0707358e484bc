import { type Duration, durationMs } from '../../domain/duration.ts';
import type { ActivityTrainer, ProgramTrainer, TrainerLimits, TrainerParams } from '../../domain/trainer.ts';

/** What a trainer that is not our own code is held to; each has a value where it is left out. */
export type ProgramLimits = {
  /** Ends an attempt that reported nothing for so long; 15 minutes. */
  readonly silentFor?: Duration;
  /** Memory of all its processes together; the machine's. */
  readonly memoryMiB?: number;
  /** What it may write to the disk; 10 GiB. */
  readonly diskMiB?: number;
  /** How far the exported model's answers may be from the trainer's own, absolute; for a regression relative to the largest answer; 0.0001. */
  readonly tolerance?: number;
};

export type ProgramOptions = ProgramLimits & {
  readonly command: readonly string[];
  /** A requirements file with hashes, of the project or `perdura:lightgbm`; left out: Python as the machine has it, or no Python at all. */
  readonly environment?: { readonly requirements: string };
  readonly params?: TrainerParams;
  /** The parameter to halve after the device ran out of memory, down to `least`. */
  readonly smallerBatch?: ProgramTrainer['smallerBatch'];
};

export type ActivityTrainerOptions = ProgramLimits & {
  /** A function that the pipeline's activities.ts exports. */
  readonly name: string;
  readonly params?: TrainerParams;
};

/**
 * Any command that keeps to the contract of docs/reference/program-trainer.md.
 *
 * @throws CodedError INPUT_INVALID when `silentFor` is not a duration.
 * @example
 * program({ command: ['python', 'trainers/churn.py'], environment: { requirements: 'trainers/churn.txt' }, params: { rounds: 100 } });
 */
export function program(options: ProgramOptions): ProgramTrainer {
  const { command, environment = null, params = {}, smallerBatch, ...limits } = options;
  return {
    kind: 'program',
    command,
    environment,
    params,
    ...(smallerBatch === undefined ? {} : { smallerBatch }),
    ...limitsOf(limits),
  };
}

/**
 * A function of the pipeline's own activities.ts, run in a process of its own by the same contract.
 *
 * @throws CodedError INPUT_INVALID when `silentFor` is not a duration.
 * @example
 * activityTrainer({ name: 'trainRules', params: { depth: 3 } });
 */
export function activityTrainer({ name, params = {}, ...limits }: ActivityTrainerOptions): ActivityTrainer {
  return { kind: 'activity', name, params, ...limitsOf(limits) };
}

function limitsOf({
  silentFor = '15 minutes',
  memoryMiB,
  diskMiB = 10_240,
  tolerance = 1e-4,
}: ProgramLimits): TrainerLimits {
  return { silentForMs: durationMs(silentFor), memoryMiB: memoryMiB ?? null, diskMiB, tolerance };
}
