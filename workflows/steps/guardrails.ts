import type { Guardrail } from '../../domain/guardrail.ts';
import { type Duration, durationMs } from '../../domain/duration.ts';

/** One-sided error of a comparison unless its author states another. */
const defaultAlpha = 0.05;

export type ComparisonOptions = { readonly alpha?: number; readonly minimum?: number };

/** Area under the ROC curve, 0.5 (guessing) to 1. `nonInferiorBy(m)`: not shown to be more than m below the champion. */
export const auc = {
  atLeast: (limit: number): Guardrail => ({ metric: 'auc', rule: 'atLeast', limit }),
  nonInferiorBy: (margin: number, options?: ComparisonOptions): Guardrail =>
    nonInferior('auc', 'higher', margin, options),
};

/** Mean log loss in nats, lower is better. */
export const logLoss = {
  atMost: (limit: number): Guardrail => ({ metric: 'logLoss', rule: 'atMost', limit }),
  nonInferiorBy: (margin: number, options?: ComparisonOptions): Guardrail =>
    nonInferior('logLoss', 'lower', margin, options),
};

/** The 99th percentile of answer times. */
export const latencyP99 = {
  atMost: (limit: Duration): Guardrail => ({ metric: 'latencyP99', rule: 'atMost', limit: durationMs(limit) }),
};

/** Failed answers. `notMoreThanChampion` watches continuously without false alarms from looking often. */
export const errors = {
  atMost: (share: number): Guardrail => ({ metric: 'errors', rule: 'atMost', limit: share }),
  notMoreThanChampion: (options?: ComparisonOptions): Guardrail => noAlarm('errors', options),
};

/** Answers slower than a limit: a sharper signal of a slow tail than any percentile. */
export const slowAnswers = {
  notMoreThanChampion: (limit: Duration, options?: ComparisonOptions): Guardrail => ({
    ...noAlarm('slowAnswers', options),
    limitMs: durationMs(limit),
  }),
};

function nonInferior(
  metric: string,
  better: 'higher' | 'lower',
  margin: number,
  options: ComparisonOptions = {},
): Guardrail {
  return { metric, rule: 'nonInferior', better, margin, alpha: options.alpha ?? defaultAlpha, ...minimum(options) };
}

function noAlarm(metric: string, options: ComparisonOptions = {}): Guardrail & { readonly rule: 'noAlarm' } {
  return { metric, rule: 'noAlarm', alpha: options.alpha ?? defaultAlpha, ...minimum(options) };
}

function minimum(options: ComparisonOptions): { readonly minimum?: number } {
  return options.minimum === undefined ? {} : { minimum: options.minimum };
}
