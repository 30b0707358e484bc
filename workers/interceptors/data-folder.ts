import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { DataFolder } from '../../stores/data-files.ts';
import { withDataFolder } from '../../activities/data-folder.ts';

/** Lets a project's own activities reach the worker's bucket, as `frame` of perdura/frame does, without being handed keys to it. */
export function dataFolderInterceptor(folder: DataFolder): ActivityInboundCallsInterceptor {
  return { execute: (input, next) => withDataFolder(folder, () => next(input)) };
}
