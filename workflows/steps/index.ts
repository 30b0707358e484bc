/**
 * What a pipeline awaits: `import { snapshot, validate, train, … } from 'perdura/steps'`. Kept apart from `workflows/index.ts`, because Temporal
 * starts any function that the workflow module exports.
 */
export { activities } from './activities.ts';
export { canary } from './canary.ts';
export { evaluate } from './evaluate.ts';
export { auc, errors, latencyP99, logLoss, slowAnswers } from './guardrails.ts';
export { promote } from './promote.ts';
export { reject } from './reject.ts';
export { shadow } from './shadow.ts';
export { snapshot } from './snapshot.ts';
export { split } from './split.ts';
export { train } from './train.ts';
export { denseNet } from './trainers.ts';
export { validate } from './validate.ts';
export type { DataSchema } from '../../domain/expectation.ts';
export type { ReleaseOutcome } from '../../domain/run.ts';
export type { DataSlice, SnapshotReference, SnapshotSource, TextDialect } from '../../domain/snapshot.ts';
export type { Target } from '../../domain/target.ts';
