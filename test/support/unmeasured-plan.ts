import type { ModelPlan } from '../../serving/models/model-plan.ts';

/** The plan of a package that nobody measured: in the process that answers, one thread, each request for itself. */
export const unmeasuredPlan: ModelPlan = {
  placement: 'answering',
  provider: 'cpu',
  threads: 1,
  batching: null,
  maxRows: 4_096,
  measured: { loadMs: 0, rowMs: 0, batchRows: 1, batchMs: 0, memoryBytes: 0 },
};
