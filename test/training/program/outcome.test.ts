import { outcomeError } from '../../../training/program/outcome.ts';
import type { ProgramOutcome } from '../../../training/program/supervise.ts';

const errorOf = (how: ProgramOutcome) =>
  outcomeError({ how, lastLines: 'because', log: '', usage: { cpuSeconds: 0, peakMemoryMiB: 0 }, left: 0 }, [
    'python',
    'train.py',
  ]);

test.each([
  [64, 'INPUT_INVALID'],
  [65, 'INPUT_INVALID'],
  [71, 'DEVICE_MEMORY_EXHAUSTED'],
  [75, 'TRAINING_INTERRUPTED'],
  [1, 'TRAINING_FAILED'],
  [137, 'TRAINING_FAILED'],
])('exit code %i is %s with what was said last', (code, wanted) => {
  expect(errorOf({ kind: 'exited', code })).toMatchObject({
    code: wanted,
    message: expect.stringContaining('because'),
  });
});

test('exit code 0 is no error', () => {
  expect(errorOf({ kind: 'exited', code: 0 })).toBeNull();
});

test('a program that was killed may have run out of memory', () => {
  expect(errorOf({ kind: 'killed', signal: 'SIGKILL' })).toMatchObject({
    code: 'TRAINING_FAILED',
    message: expect.stringContaining('run out of memory'),
  });
});
