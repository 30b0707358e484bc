/**
 * What a pipeline awaits: `import { snapshot, validate, train, … } from 'perdura/steps'`. Kept apart from `workflows/index.ts`, because Temporal
 * starts any function that the workflow module exports.
 */
export { activities } from './activities.ts';
export { behaviour } from './behaviour.ts';
export { canary } from './canary.ts';
export { evaluate } from './evaluate.ts';
export { fairness } from './fairness.ts';
export {
  accuracy,
  auc,
  brier,
  calibration,
  coldStart,
  errors,
  f1,
  fileSize,
  latencyP50,
  latencyP95,
  latencyP99,
  logLoss,
  mae,
  quantileLoss,
  r2,
  residentMemory,
  rmse,
  slowAnswers,
  throughput,
} from './guardrails.ts';
export { activityTrainer, program } from './programs.ts';
export { lightgbm, sklearn, torch } from './python-trainers.ts';
export { promote } from './promote.ts';
export { reject } from './reject.ts';
export { search } from './search.ts';
export { asha, choice, float, integer, random, sobol, tpe } from './search-space.ts';
export { shadow } from './shadow.ts';
export { snapshot } from './snapshot.ts';
export { split } from './split.ts';
export { train } from './train.ts';
export { denseNet, linear, logistic } from './trainers.ts';
export { validate } from './validate.ts';
export type { DataSchema } from '../../domain/expectation.ts';
export type { ProgramJob, ProgramReporter } from '../../domain/program-job.ts';
export type { ReleaseOutcome } from '../../domain/run.ts';
export type { DataSlice, SnapshotReference, SnapshotSource, TextDialect } from '../../domain/snapshot.ts';
export type { Target } from '../../domain/target.ts';
