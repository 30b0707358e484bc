import type { Guardrail, GuardrailScope } from '../../domain/guardrail.ts';
import { type Duration, durationMs } from '../../domain/duration.ts';
import { type Size, sizeBytes } from '../../domain/size.ts';

/** One-sided error of a comparison unless its author states another. */
const defaultAlpha = 0.05;

export type ComparisonOptions = { readonly alpha?: number; readonly minimum?: number };

/**
 * What a quality metric is asked of. `by` names a column of the data: the guardrail must then hold in each of its slices. For `atLeast` and
 * `atMost` an `alpha` asks for the confidence bound instead of the value itself.
 */
export type QualityOptions = ComparisonOptions & Pick<GuardrailScope, 'by' | 'slices' | 'poolBelow'>;

/** `threshold`: from which probability on an answer counts as true; 0.5 where it is left out. */
export type ThresholdOptions = QualityOptions & Pick<GuardrailScope, 'threshold'>;

/** Area under the ROC curve, 0.5 (guessing) to 1; of several classes the mean over each against the rest. */
export const auc = higherIsBetter<QualityOptions>('auc');

/** Mean log loss in nats, lower is better. */
export const logLoss = lowerIsBetter<QualityOptions>('logLoss');

/** Brier score: mean squared distance of the probability from what happened, lower is better. */
export const brier = lowerIsBetter<QualityOptions>('brier');

/** Expected calibration error over 15 bins of equal width: how far probabilities are from frequencies, lower is better. */
export const calibration = lowerIsBetter<QualityOptions>('calibration');

/** F1, the harmonic mean of precision and recall; of several classes the mean over them. */
export const f1 = higherIsBetter<ThresholdOptions>('f1');

/** Share of right answers. */
export const accuracy = higherIsBetter<ThresholdOptions>('accuracy');

/** Root of the mean squared error, in the target's unit. */
export const rmse = lowerIsBetter<QualityOptions>('rmse');

/** Mean absolute error, in the target's unit. */
export const mae = lowerIsBetter<QualityOptions>('mae');

/** Share of the target's variance that the model explains: 1 is perfect, 0 no better than the mean. */
export const r2 = higherIsBetter<QualityOptions>('r2');

/** Mean pinball loss of a prediction of one quantile: `quantileLoss(0.9).atMost(3)`. */
export const quantileLoss = (quantile: number): LowerIsBetter<QualityOptions> => {
  const plain = lowerIsBetter<QualityOptions>('quantileLoss');
  return {
    atMost: (limit, options) => ({ ...plain.atMost(limit, options), quantile }),
    nonInferiorBy: (margin, options) => ({ ...plain.nonInferiorBy(margin, options), quantile }),
  };
};

/** The median of answer times of single rows, on the packed model in a fresh process. */
export const latencyP50 = quick('latencyP50');

/** The 95th percentile of answer times of single rows, on the packed model in a fresh process. */
export const latencyP95 = quick('latencyP95');

/** The 99th percentile of answer times: on the packed model in a fresh process, or of live traffic. */
export const latencyP99 = quick('latencyP99');

/** From the start of a fresh process to its first answer. */
export const coldStart = quick('coldStart');

/** Rows that one process answers in a second, in batches. */
export const throughput = {
  atLeast: (rowsPerSecond: number): Guardrail => ({ metric: 'throughput', rule: 'atLeast', limit: rowsPerSecond }),
};

/** Memory of a process that holds the model and has answered. */
export const residentMemory = small('residentMemory');

/** Size of model.onnx. */
export const fileSize = small('fileSize');

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

/** A metric of which more is better. `nonInferiorBy(m)`: not shown to be more than m below the champion. */
export type HigherIsBetter<Options> = {
  readonly atLeast: (limit: number, options?: Options) => Guardrail;
  readonly nonInferiorBy: (margin: number, options?: Options) => Guardrail;
};

/** A metric of which less is better. `nonInferiorBy(m)`: not shown to be more than m above the champion. */
export type LowerIsBetter<Options> = {
  readonly atMost: (limit: number, options?: Options) => Guardrail;
  readonly nonInferiorBy: (margin: number, options?: Options) => Guardrail;
};

function higherIsBetter<Options extends ThresholdOptions>(metric: string): HigherIsBetter<Options> {
  return {
    atLeast: (limit, options) => ({ metric, rule: 'atLeast', limit, ...options }),
    nonInferiorBy: (margin, options) => nonInferior(metric, { better: 'higher', margin }, options),
  };
}

function lowerIsBetter<Options extends ThresholdOptions>(metric: string): LowerIsBetter<Options> {
  return {
    atMost: (limit, options) => ({ metric, rule: 'atMost', limit, ...options }),
    nonInferiorBy: (margin, options) => nonInferior(metric, { better: 'lower', margin }, options),
  };
}

function quick(metric: string) {
  return { atMost: (limit: Duration): Guardrail => ({ metric, rule: 'atMost', limit: durationMs(limit) }) };
}

function small(metric: string) {
  return { atMost: (limit: Size): Guardrail => ({ metric, rule: 'atMost', limit: sizeBytes(limit) }) };
}

function nonInferior(
  metric: string,
  asked: { readonly better: 'higher' | 'lower'; readonly margin: number },
  options: ThresholdOptions = {},
): Guardrail {
  return { metric, rule: 'nonInferior', ...asked, ...options, alpha: options.alpha ?? defaultAlpha };
}

function noAlarm(metric: string, options: ComparisonOptions = {}): Guardrail & { readonly rule: 'noAlarm' } {
  const { alpha = defaultAlpha, minimum } = options;
  return { metric, rule: 'noAlarm', alpha, ...(minimum === undefined ? {} : { minimum }) };
}
