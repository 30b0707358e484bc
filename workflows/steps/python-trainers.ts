import type { ProgramTrainer, TrainerParams } from '../../domain/trainer.ts';
import { program, type ProgramLimits } from './programs.ts';

/** Holds the share of rows out, and stops once `patience` rounds brought nothing better. */
export type EarlyStopping = { readonly share: number; readonly patience: number };

export type LightgbmOptions = ProgramLimits & {
  /** Boosting rounds, of a multiclass target a tree for each class; 100. */
  readonly rounds?: number;
  readonly earlyStopping?: EarlyStopping;
  /** LightGBM's own parameters by their names: `{ num_leaves: 63, learning_rate: 0.05 }`. */
  readonly params?: TrainerParams;
};

/** Estimators of scikit-learn that have an exact ONNX form here. */
export type SklearnEstimator = 'HistGradientBoosting' | 'RandomForest' | 'LogisticRegression' | 'Ridge';

export type SklearnOptions = ProgramLimits & {
  /** The task chooses between classifier and regressor. LogisticRegression is for classes, Ridge for a regression. */
  readonly estimator: SklearnEstimator;
  /** The estimator's own parameters by their names. */
  readonly params?: TrainerParams;
};

export type TorchOptions = ProgramLimits & {
  /** Width of each hidden layer. */
  readonly hidden: readonly number[];
  readonly epochs: number;
  /** Halved, down to 32, where the device runs out of memory; 1,024. */
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** Width of the embedding of each category feature. */
  readonly embedding?: number;
};

/** A smaller batch would train another model for no memory worth speaking of. */
const leastBatch = 32;

/**
 * Gradient boosted trees by LightGBM, from pinned packages that are installed once. The same rows, parameters, seed and number of threads
 * give the same model.
 *
 * @example
 * lightgbm({ rounds: 200, params: { num_leaves: 63 }, earlyStopping: { share: 0.1, patience: 20 } });
 */
export function lightgbm({
  rounds = 100,
  earlyStopping,
  params = {},
  ...limits
}: LightgbmOptions = {}): ProgramTrainer {
  const stops = earlyStopping === undefined ? {} : { earlyStopping: { ...earlyStopping } };
  return pythonTrainer('lightgbm', { rounds, ...stops, lightgbm: params }, limits);
}

/**
 * An estimator of scikit-learn, from pinned packages that are installed once.
 *
 * @example
 * sklearn({ estimator: 'RandomForest', params: { n_estimators: 300, min_samples_leaf: 5 } });
 */
export function sklearn({ estimator, params = {}, ...limits }: SklearnOptions): ProgramTrainer {
  return pythonTrainer('sklearn', { estimator, sklearn: params }, limits);
}

/**
 * A dense network by PyTorch: on a device where the training asks for one, else on the CPU. It goes on from the checkpoint of its last
 * epoch. Its packages are some gigabytes.
 *
 * @example
 * train({ …, trainer: torch({ hidden: [256, 128], epochs: 20 }), device: { memoryMiB: 8_000, orCpu: false } });
 */
export function torch({
  hidden,
  epochs,
  batchSize = 1_024,
  learningRate = 0.002,
  embedding = 8,
  ...limits
}: TorchOptions): ProgramTrainer {
  const params = { hidden: [...hidden], epochs, batchSize, learningRate, embedding };
  return { ...pythonTrainer('torch', params, limits), smallerBatch: { param: 'batchSize', least: leastBatch } };
}

/** Its folder is on the PYTHONPATH. */
function pythonTrainer(
  name: 'lightgbm' | 'sklearn' | 'torch',
  params: TrainerParams,
  limits: ProgramLimits,
): ProgramTrainer {
  return program({
    command: ['python', '-m', `${name}_trainer`],
    environment: { requirements: `perdura:${name}` },
    params,
    ...limits,
  });
}
