import { type ChildProcess, fork } from 'node:child_process';
import { CodedError } from '../domain/errors.ts';
import type { EpochMetrics } from '../domain/trainer.ts';
import type { TrainerMessage, TrainingJob, TrainingResult } from './training-job.ts';

export type { TrainingJob, TrainingResult } from './training-job.ts';

export type TrainOptions = { readonly onEpoch: (epoch: EpochMetrics) => void; readonly signal: AbortSignal };

const program = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/training/trainer-process.js' : './trainer-process.js',
  import.meta.url,
);
/** A trainer has nothing to tidy up on SIGTERM: what is still there after two seconds hangs. */
const graceMs = 2_000;
/** Enough for the reason of a crash. */
const keptLines = 20;

/**
 * Trains in a process of its own and returns when that process has ended, so that none is ever left behind.
 *
 * @throws CodedError the trainer's own error, or TRAINING_FAILED with its last lines when it ended without a word;
 * the signal's reason when it was aborted.
 */
export async function trainInChild(job: TrainingJob, options: TrainOptions): Promise<TrainingResult> {
  options.signal.throwIfAborted();
  const child = fork(program, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const lines = lastLines(child);
  const end = () => endChild(child);
  options.signal.addEventListener('abort', end, { once: true });
  try {
    const answer = await exchange(child, job, options);
    options.signal.throwIfAborted();
    if (answer.fault !== null) throw answer.fault.error;
    if (answer.message?.type === 'done') return answer.message.result;
    if (answer.message?.type === 'failed')
      throw new CodedError(answer.message.failure.code, answer.message.failure.message, {
        details: answer.message.failure.details,
      });
    throw died(answer.how, lines());
  } finally {
    options.signal.removeEventListener('abort', end);
  }
}

type Answer = {
  readonly message: Exclude<TrainerMessage, { type: 'epoch' }> | null;
  /** What `onEpoch` threw. */
  readonly fault: { readonly error: unknown } | null;
  readonly how: string;
};

/** Sends the job and hears the child until it and its streams are closed. */
function exchange(child: ChildProcess, job: TrainingJob, options: TrainOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let message: Answer['message'] = null;
    let fault: Answer['fault'] = null;
    child.on('message', (heard: TrainerMessage) => {
      if (heard.type !== 'epoch') message = heard;
      else fault ??= report(heard.epoch, child, options);
    });
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ message, fault, how: signal === null ? `ended with exit code ${code}` : `was ended by ${signal}` }),
    );
    // A child that is gone already is seen by its 'close'.
    child.send(job, () => {});
  });
}

/** An error of the listener ends the child, and is thrown when that is gone. */
function report(epoch: EpochMetrics, child: ChildProcess, options: TrainOptions): Answer['fault'] {
  try {
    options.onEpoch(epoch);
    return null;
  } catch (error) {
    endChild(child);
    return { error };
  }
}

function endChild(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.once('close', () => clearTimeout(timer));
}

function lastLines(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (piece: string) => {
      text = `${text}${piece}`
        .split('\n')
        .slice(-keptLines - 1)
        .join('\n')
        .slice(-4_000);
    });
  }
  return () => text.trim();
}

function died(how: string, lines: string): CodedError {
  const memory = how.includes('SIGKILL') || lines.includes('heap') ? ' It may have run out of memory.' : '';
  return new CodedError(
    'TRAINING_FAILED',
    `The trainer ${how} without a model.${memory} ${lines === '' ? 'It wrote nothing.' : `Its last lines: ${lines}`}`,
    { details: { lines } },
  );
}
