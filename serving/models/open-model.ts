import type { ModelReference } from '../../domain/model-package.ts';
import { openHostClient } from '../hosting/host-client.ts';
import type { ServingMetrics } from '../observe/metrics.ts';
import { createBatcher } from './batcher.ts';
import { loadModel, loadOutside } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { PreparedModel } from './model-plan.ts';

/** Told of each run of a model. */
export type OnRun = ServingMetrics['run'];

/**
 * Opens a package as its plan says: loaded here, its callers sharing runs where that pays; or, where it has a host, its feature functions here
 * and its model behind the host's socket. `onRun` is told of runs of this process, not of a host's.
 *
 * @throws CodedError those of `loadModel`; SERVICE_UNAVAILABLE when its host does not answer.
 */
export async function openModel(prepared: PreparedModel, onRun: OnRun | null = null): Promise<LoadedModel> {
  const { reference, folder, plan, socket } = prepared;
  if (socket !== null) {
    const outside = await loadOutside(reference, folder);
    const client = await openHostClient(socket, reference);
    return { reference, ...outside, run: (rows) => client.run(rows), close: () => client.close() };
  }
  const model = await loadModel(reference, folder, plan);
  if (plan.batching === null) return onRun === null ? model : counted(model, onRun);
  const batcher = createBatcher((rows) => model.run(rows), {
    rows: plan.batching.rows,
    waitMs: plan.batching.waitMs,
    ...(onRun !== null && { onRun: (run) => onRun({ model: runName(reference), ...run }) }),
  });
  return { ...model, run: (rows) => batcher.run(rows) };
}

/** How a package is named in metrics. */
export const runName = (reference: ModelReference): string => `${reference.model}/${reference.modelVersion}`;

function counted(model: LoadedModel, onRun: OnRun): LoadedModel {
  const name = runName(model.reference);
  return {
    ...model,
    async run(rows) {
      const done = await model.run(rows);
      onRun({ model: name, rows: rows.rows, waiting: 0, seconds: done.computeMs / 1_000 });
      return done;
    },
  };
}
