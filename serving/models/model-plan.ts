import type { ModelReference } from '../../domain/model-package.ts';

/** How a package is run on this machine, decided by measuring it once in a process of its own. */
export type ModelPlan = {
  /** `answering`: in each answering process; `host`: in one process of its own, so that the loops of the answering processes stay responsive. */
  readonly placement: 'answering' | 'host';
  readonly provider: 'cpu' | 'cuda';
  /** Threads that ONNX Runtime computes one run with. */
  readonly threads: number;
  /** Requests that are answered by one run; null where that does not pay. `waitMs` 0: what is there already, and no waiting. */
  readonly batching: Batching | null;
  /** Rows of one run at most, by memory and by how long a run may take; a larger request is answered in several runs. */
  readonly maxRows: number;
  readonly measured: MeasuredModel;
};

/** How requests share runs. `rows`: of one run at most; `waitMs`: how long the first one may wait for others. */
export type Batching = { readonly rows: number; readonly waitMs: number };

/** Medians, milliseconds; memory is what the process grew by, with a batch of the largest size that was tried. */
export type MeasuredModel = {
  readonly loadMs: number;
  readonly rowMs: number;
  readonly batchRows: number;
  readonly batchMs: number;
  readonly memoryBytes: number;
};

/** A package on this machine, verified and measured. `socket`: where its host listens (a Unix socket's path); null: no host. */
export type PreparedModel = {
  readonly reference: ModelReference;
  readonly folder: string;
  readonly plan: ModelPlan;
  readonly socket: string | null;
};
