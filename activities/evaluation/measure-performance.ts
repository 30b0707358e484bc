import { type ChildProcess, fork } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { Measurement } from '../../domain/guardrail.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import type { ModelInput } from './packed-model.ts';
import type { PerformanceFigures, PerformanceJob, PerformanceMessage } from './performance-job.ts';

/** What is measured on the packed model in a fresh process. */
export const performanceMetrics = [
  'latencyP50',
  'latencyP95',
  'latencyP99',
  'throughput',
  'coldStart',
  'residentMemory',
  'fileSize',
] as const;
export type PerformanceMetric = (typeof performanceMetrics)[number];

export type PerformanceOptions = {
  readonly packageFolder: string;
  /** Gives records of the hold-out. */
  readonly sample: (count: number) => Promise<readonly ModelInput[]>;
  readonly signal: AbortSignal;
  /** The longest that single rows are timed; ten seconds where it is left out. */
  readonly mostMs?: number;
};

const program = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../dist/activities/evaluation/performance-process.js'
    : './performance-process.js',
  import.meta.url,
);
const sampledRecords = 1_000;
const most = { singles: 2_000, batchRows: 1_024, ms: 10_000 } as const;
/** Starts of which the median is taken: one start may meet a cold disk. */
const starts = 3;
/** From the start of a process to its end; a model that needs longer for one batch cannot be measured here. */
const patienceMs = 120_000;

/** Whether a metric is one of performance. */
export function isPerformanceMetric(metric: string): metric is PerformanceMetric {
  return (performanceMetrics as readonly string[]).includes(metric);
}

/**
 * Measures the packed model in processes of its own: answer times of single rows through parse, features and run, rows a second in batches,
 * the time from the start of a process to its first answer, the memory that it then holds, and the size of model.onnx. Nothing else is
 * started than what the metrics need. Without a record to answer only the size is known. Figures are this machine's, as busy as it is.
 *
 * @throws CodedError what the model throws; MODEL_INVALID when its process ends without figures; the signal's reason when it is aborted.
 */
export async function measurePerformance(
  metrics: readonly PerformanceMetric[],
  options: PerformanceOptions,
): Promise<ReadonlyMap<PerformanceMetric, Measurement>> {
  const { packageFolder, signal } = options;
  const wanted = new Set(metrics);
  const { size } = await stat(join(packageFolder, 'model.onnx'));
  const running = metrics.some((metric) => metric !== 'fileSize');
  const inputs = running ? await options.sample(sampledRecords) : [];
  const working = metrics.some((metric) => metric !== 'fileSize' && metric !== 'coldStart');
  const timed = metrics.some((metric) => metric.startsWith('latency'));
  const load = {
    singles: timed ? most.singles : 0,
    batchRows: wanted.has('throughput') || !timed ? most.batchRows : 0,
    mostMs: options.mostMs ?? most.ms,
  };
  const worked = working && inputs.length > 0 ? await inFreshProcess({ packageFolder, inputs, load }, signal) : null;
  const firstAnswers: number[] = [];
  if (wanted.has('coldStart') && inputs.length > 0)
    for (let start = 0; start < starts; start += 1)
      firstAnswers.push(
        (await inFreshProcess({ packageFolder, inputs: inputs.slice(0, 1), load: null }, signal)).firstMs,
      );
  return new Map(
    [...wanted].map((metric) => [
      metric,
      measurementOf(metric, { size, firstAnswers, figures: worked?.figures ?? null }),
    ]),
  );
}

type Found = {
  readonly size: number;
  readonly firstAnswers: readonly number[];
  readonly figures: PerformanceFigures | null;
};

function measurementOf(metric: PerformanceMetric, { size, firstAnswers, figures }: Found): Measurement {
  const latencies = figures?.latenciesMs ?? [];
  const percentile = (share: number): Measurement => ({
    metric,
    value: latencies.length === 0 ? null : quantile(latencies, share),
    n: latencies.length,
    unit: 'ms',
  });
  switch (metric) {
    case 'latencyP50':
      return percentile(0.5);
    case 'latencyP95':
      return percentile(0.95);
    case 'latencyP99':
      return percentile(0.99);
    case 'throughput': {
      const { batchedRows: n, batchedMs } = figures ?? { batchedRows: 0, batchedMs: 0 };
      return { metric, value: n === 0 ? null : (n / batchedMs) * 1_000, n, unit: 'rows/s' };
    }
    case 'coldStart': {
      const n = firstAnswers.length;
      return { metric, value: n === 0 ? null : quantile(firstAnswers, 0.5), n, unit: 'ms' };
    }
    case 'residentMemory':
      return { metric, value: figures?.residentBytes ?? null, n: figures === null ? 0 : 1, unit: 'bytes' };
    case 'fileSize':
      return { metric, value: size, n: 1, unit: 'bytes' };
    default:
      return metric satisfies never;
  }
}

type Outcome = { readonly firstMs: number; readonly figures: PerformanceFigures };

/** Returns when the process has ended, so that none is left behind. */
async function inFreshProcess(job: PerformanceJob, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const began = performance.now();
  const child = fork(program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  const end = () => child.kill('SIGKILL');
  const timer = setTimeout(end, patienceMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    const { message, firstMs, how } = await exchange(child, job, began);
    signal.throwIfAborted();
    if (message?.type === 'done') return { firstMs, figures: message.figures };
    if (message?.type === 'failed')
      throw new CodedError(message.failure.code, message.failure.message, { details: message.failure.details });
    throw new CodedError(
      'MODEL_INVALID',
      `The process that measures the packed model ${how} and gave no figures. Look at the model's size and at the memory of this machine.`,
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

type Heard = {
  readonly message: Exclude<PerformanceMessage, { type: 'first' }> | null;
  readonly firstMs: number;
  readonly how: string;
};

function exchange(child: ChildProcess, job: PerformanceJob, began: number): Promise<Heard> {
  return new Promise((resolve, reject) => {
    let message: Heard['message'] = null;
    let firstMs = Number.NaN;
    let lines = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      lines = `${lines}${piece}`.slice(-2_000);
    });
    child.on('message', (heard: PerformanceMessage) => {
      if (heard.type === 'first') firstMs = performance.now() - began;
      else message = heard;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const ended = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      resolve({ message, firstMs, how: lines === '' ? ended : `${ended} (${lines.trim()})` });
    });
    // A child that is gone already is seen by its 'close'.
    child.send(job, () => {});
  });
}
