import type { DataFolder } from '../stores/data-files.ts';
import { AsyncLocalStorage } from 'node:async_hooks';
import { CodedError } from '../domain/errors.ts';

const current = new AsyncLocalStorage<DataFolder>();

/** Runs an activity so that it, and all that it awaits, can reach the bucket of the worker that hosts it. */
export function withDataFolder<Result>(folder: DataFolder, work: () => Promise<Result>): Promise<Result> {
  return current.run(folder, work);
}

/**
 * The bucket and cache of the worker that hosts the running activity.
 *
 * @throws CodedError INPUT_INVALID outside an activity.
 */
export function currentDataFolder(): DataFolder {
  const folder = current.getStore();
  if (folder !== undefined) return folder;
  throw new CodedError(
    'INPUT_INVALID',
    'Data can be read in an activity only. Move the call into the activities.ts of the pipeline.',
  );
}
