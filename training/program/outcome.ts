import { CodedError, type ErrorCode } from '../../domain/errors.ts';
import { programExits } from '../../domain/program-job.ts';
import type { ProgramEnd, ProgramOutcome } from './supervise.ts';

/** What a program's end means; null: it says that it is done. */
export function outcomeError(end: ProgramEnd, command: readonly string[]): unknown {
  const { how } = end;
  switch (how.kind) {
    case 'exited':
      return how.code === 0 ? null : exitError(how.code, end);
    case 'killed':
      return failed(
        `was ended by ${how.signal}${how.signal === 'SIGKILL' ? ': the machine may have run out of memory' : ''}`,
        end,
      );
    case 'notStarted':
      return failed(
        `could not be started: ${how.reason}. Correct the command '${command.join(' ')}', or name the 'environment' that has it`,
        end,
      );
    case 'overLimit':
      return failed(overLimit(how), end);
    case 'fault':
      return how.error;
    default:
      return how satisfies never;
  }
}

function exitError(code: number, end: ProgramEnd): CodedError {
  switch (code) {
    case programExits.wrongParams:
      return coded(
        'INPUT_INVALID',
        "The trainer refuses its params (exit code 64). Correct the trainer's params.",
        end,
      );
    case programExits.unusableData:
      return coded(
        'INPUT_INVALID',
        'The trainer cannot learn from this data (exit code 65). Correct the data or the target.',
        end,
      );
    case programExits.deviceMemory:
      return coded(
        'DEVICE_MEMORY_EXHAUSTED',
        "The trainer's device has not enough memory (exit code 71). Ask for a larger device or a smaller batch.",
        end,
      );
    case programExits.tryAgain:
      return coded('TRAINING_INTERRUPTED', 'The trainer asks to be run again (exit code 75).', end);
    default:
      return failed(`ended with exit code ${code}`, end);
  }
}

function overLimit({ limit, used, most }: Extract<ProgramOutcome, { kind: 'overLimit' }>): string {
  switch (limit) {
    case 'memory':
      return `was ended: its processes hold ${used} MiB of memory, and ${most} MiB are allowed. Raise 'memoryMiB' of the trainer or train on less`;
    case 'disk':
      return `was ended: its files take ${used} MiB on the disk, and ${most} MiB are allowed. Raise 'diskMiB' of the trainer or write less`;
    case 'silent':
      return `was ended: it reported nothing for ${Math.round(used / 1_000)} seconds, and ${Math.round(most / 1_000)} are allowed. Report metrics or progress, or raise 'silentFor' of the trainer`;
    default:
      return limit satisfies never;
  }
}

function failed(what: string, end: ProgramEnd): CodedError {
  return coded('TRAINING_FAILED', `The trainer ${what}.`, end);
}

function coded(code: ErrorCode, message: string, { lastLines }: ProgramEnd): CodedError {
  const said = lastLines === '' ? 'It said nothing.' : `Its last lines: ${lastLines}`;
  return new CodedError(code, `${message} ${said}`, { details: { lines: lastLines } });
}
