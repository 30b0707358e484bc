import { isCoded } from '../domain/errors.ts';
import { pipelineFunction } from '../project/load.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { findRun } from '../stores/runs.ts';

/**
 * The run that a person means: runs are kept under the pipeline's function, people also write its folder's name.
 *
 * @throws CodedError NOT_FOUND, INPUT_INVALID as `findRun` of the stores does.
 */
export async function findNamedRun(store: ObjectStore, text: string): ReturnType<typeof findRun> {
  try {
    return await findRun(store, text);
  } catch (error) {
    const asFunction = pipelineFunction(text);
    if (!isCoded(error, 'NOT_FOUND') || asFunction === text) throw error;
    return findRun(store, asFunction).catch(() => {
      throw error;
    });
  }
}
