import { isCoded } from '../domain/errors.ts';
import { type CodedFailure, toFailure } from '../domain/failure.ts';
import { trainDense } from './built-in/train-dense.ts';
import { endWithParent } from './end-with-parent.ts';
import type { TrainerMessage, TrainingJob } from './training-job.ts';

/*
 * The trainer's own process: a crash or a lack of memory here does not take the worker with it. Its parent sends one TrainingJob.
 * The process ends when the channel closes, whatever way the parent went.
 */
/** A timer fires while the event loop turns: in a feature function that never returns it does not. */
const aliveEveryMs = 5_000;

endWithParent(0);
process.once('disconnect', () => process.exit(1));
process.once('message', (job: TrainingJob) => {
  setInterval(() => send({ type: 'alive' }), aliveEveryMs).unref();
  void run(job);
});

async function run(job: TrainingJob): Promise<void> {
  try {
    const { trainer } = job;
    if (trainer.kind !== 'dense') throw new TypeError(`the built-in trainer is no '${trainer.kind}'`);
    const result = await trainDense(
      { ...job, trainer },
      {
        now: () => performance.now(),
        onMetric: (point) => send({ type: 'metric', point }),
        onCheckpoint: ({ step, file }) => send({ type: 'checkpoint', step, file }),
        onProgress: (text) => send({ type: 'progress', text }),
      },
    );
    send({ type: 'done', result }, () => process.exit(0));
  } catch (error) {
    send({ type: 'failed', failure: failureOf(error) }, () => process.exit(0));
  }
}

/** An error without a code is a fault of the trainer: its stack must not be lost with the process. */
function failureOf(error: unknown): CodedFailure {
  const failure = toFailure(error, 'TRAINING_FAILED');
  if (isCoded(error) || !(error instanceof Error)) return failure;
  return { ...failure, details: { stack: error.stack ?? '' } };
}

function send(message: TrainerMessage, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
