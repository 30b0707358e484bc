import { type ChildProcess, fork } from 'node:child_process';
import { CodedError } from '../domain/errors.ts';
import type { TrainerMessage, TrainingEvents, TrainingJob, TrainingResult } from './training-job.ts';

/** Which program trains, and how long it may take to tidy up or to say nothing. */
export type ChildTrainer = {
  readonly entry: URL;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Without any message for so long the child hangs. */
  readonly silentForMs: number;
  /** Where it may hang, for a person. */
  readonly suspect: string;
  readonly environment: NodeJS.ProcessEnv;
};

/** Enough for the reason of a crash. */
const keptLines = 20;

/**
 * Trains in a process of its own and returns when that process has ended, so that none is ever left behind.
 *
 * @throws CodedError the trainer's own error, or TRAINING_FAILED with its last lines when it ended without a word;
 * the signal's reason when it was aborted; what a listener threw.
 */
export async function trainInChild(
  trainer: ChildTrainer,
  job: TrainingJob,
  options: TrainingEvents & { readonly signal: AbortSignal },
): Promise<TrainingResult> {
  options.signal.throwIfAborted();
  const child = fork(trainer.entry, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: trainer.environment,
  });
  const lines = lastLines(child);
  const end = () => endChild(child, trainer.graceMs);
  options.signal.addEventListener('abort', end, { once: true });
  try {
    const answer = await exchange({ child, trainer, job, options });
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

type Exchange = {
  readonly child: ChildProcess;
  readonly trainer: ChildTrainer;
  readonly job: TrainingJob;
  readonly options: TrainingEvents;
};

type Answer = {
  readonly message: Extract<TrainerMessage, { type: 'done' | 'failed' }> | null;
  /** What a listener threw. */
  readonly fault: { readonly error: unknown } | null;
  readonly how: string;
};

/** Sends the job and hears the child until it and its streams are closed. */
function exchange({ child, trainer, job, options }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let message: Answer['message'] = null;
    let fault: Answer['fault'] = null;
    const watchdog = setTimeout(() => {
      fault ??= { error: hung(trainer) };
      child.kill('SIGKILL');
    }, trainer.silentForMs);
    child.on('message', (heard: TrainerMessage) => {
      watchdog.refresh();
      if (heard.type === 'done' || heard.type === 'failed') message = heard;
      else fault ??= report(heard, { child, trainer, options });
    });
    child.once('error', (error) => {
      clearTimeout(watchdog);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve({ message, fault, how: signal === null ? `ended with exit code ${code}` : `was ended by ${signal}` });
    });
    // A child that is gone already is seen by its 'close'.
    child.send(job, () => {});
  });
}

/** An error of the listener ends the child, and is thrown when that is gone. */
function report(
  heard: Exclude<TrainerMessage, { type: 'done' | 'failed' }>,
  { child, trainer, options }: Pick<Exchange, 'child' | 'trainer' | 'options'>,
): Answer['fault'] {
  try {
    if (heard.type === 'alive') return null;
    if (heard.type === 'metric') options.onMetric(heard.point);
    else if (heard.type === 'checkpoint') options.onCheckpoint({ step: heard.step, file: heard.file });
    else options.onProgress(heard.text);
    return null;
  } catch (error) {
    endChild(child, trainer.graceMs);
    return { error };
  }
}

function endChild(child: ChildProcess, graceMs: number): void {
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

function hung({ silentForMs, suspect }: ChildTrainer): CodedError {
  return new CodedError(
    'TRAINING_FAILED',
    `The trainer's process said nothing for ${Math.round(silentForMs / 1_000)} seconds and was ended. It may hang in ${suspect}: run that by itself.`,
  );
}
