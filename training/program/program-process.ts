import { isCoded } from '../../domain/errors.ts';
import { type CodedFailure, toFailure } from '../../domain/failure.ts';
import type { ProgramReport } from '../../domain/program-job.ts';
import { removeFolder } from '../../stores/local-files.ts';
import type { TrainerMessage, TrainingJob } from '../training-job.ts';
import { endWithParent } from '../end-with-parent.ts';
import { endAttempt } from './attempt-processes.ts';
import { trainProgram } from './train-program.ts';
import { programWorkFolder } from './work-folder.ts';

/*
 * The process that keeps a program trainer: it writes the data, runs the program and checks the model, so that neither a crash nor a lack of
 * memory in any of these takes the worker with it. When its channel closes, whatever way the parent went, the program is ended too.
 */
const attempt = process.env['PERDURA_ATTEMPT'] ?? '';
const began = performance.now();
const cancelled = new AbortController();
const orphaned = new AbortController();
/** Ending the program takes less. */
const orphanMs = 5_000;

endWithParent(2 * orphanMs);
process.once('SIGTERM', () => cancelled.abort(new Error('the training was cancelled')));
process.once('disconnect', () => {
  orphaned.abort();
  cancelled.abort(new Error('the parent is gone'));
  setTimeout(() => void endAttempt(attempt).finally(() => process.exit(1)), orphanMs);
});
process.once('message', (job: TrainingJob) => {
  void run(job);
});

async function run(job: TrainingJob): Promise<void> {
  try {
    const { trainer } = job;
    if (trainer.kind === 'dense') throw new TypeError('the built-in trainer is no program');
    const signals = { signal: cancelled.signal, orphaned: orphaned.signal };
    const result = await trainProgram({ ...job, trainer }, { attempt, ...signals, onReport: tell });
    send({ type: 'done', result }, () => process.exit(0));
  } catch (error) {
    // Here too: a parent that was killed removes nothing.
    await removeFolder(job.outputFolder);
    await removeFolder(programWorkFolder(job));
    send({ type: 'failed', failure: failureOf(error) }, () => process.exit(0));
  }
}

/** Resolves when the parent's channel has taken it. */
function tell(report: ProgramReport): Promise<void> {
  return new Promise((resolve) => send(messageOf(report), resolve));
}

function messageOf(report: ProgramReport): TrainerMessage {
  switch (report.perdura) {
    case 'metric': {
      const { name, step, value } = report;
      return { type: 'metric', point: { name, step, value, elapsedMs: performance.now() - began } };
    }
    case 'checkpoint':
      return { type: 'checkpoint', step: report.step, file: report.file };
    case 'progress':
      return { type: 'progress', text: report.text };
    default:
      return report satisfies never;
  }
}

/** An error without a code is a fault of ours: its stack must not be lost with the process. */
function failureOf(error: unknown): CodedFailure {
  const failure = toFailure(error, 'TRAINING_FAILED');
  if (isCoded(error) || !(error instanceof Error)) return failure;
  return { ...failure, details: { stack: error.stack ?? '' } };
}

/** A parent that is gone hears nothing: then it is enough to end. */
function send(message: TrainerMessage, sent: () => void): void {
  if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => sent());
  else sent();
}
