import type { TrainingDependencies } from '../training/dependencies.ts';

/** What an evaluation needs from outside. */
export type EvaluationDependencies = Pick<
  TrainingDependencies,
  'store' | 'cacheFolder' | 'packages' | 'workFolder' | 'beat' | 'callId'
>;
