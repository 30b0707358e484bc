import { join } from 'node:path';

import { readConfig } from '../../project/config.ts';
import { loadProject } from '../../project/load.ts';
import type { Context } from '../context.ts';
import { readInput, readOwnOptions } from '../input.ts';
import { checkInput, requireDeclared } from '../parameters.ts';
import { findPipeline } from '../pipelines.ts';
import { defaultRunId } from '../run-id.ts';

export type RunOptions = {
  readonly input?: string;
  readonly param?: readonly string[];
  readonly id?: string;
  readonly follow: boolean;
};

/**
 * `perdura run`: starts a pipeline, follows it and says how it ended. A rejected challenger is a normal result.
 * Temporal's client is loaded only when the call is right: a typing error is answered at once.
 */
export async function run(
  context: Context,
  name: string,
  words: readonly string[],
  options: RunOptions,
): Promise<number> {
  const own = readOwnOptions(words);
  const input = { ...readInput(options), ...own };
  const config = readConfig(context.environment, context.folder);
  const pipeline = findPipeline(await loadProject(config.projectFolder), name);
  const buildFolder = join(config.homeFolder, 'build');
  await checkInput(pipeline, input, buildFolder);
  await requireDeclared(pipeline, own, buildFolder);
  const workflowId = options.id ?? defaultRunId(pipeline.name, new Date());
  const { runPipeline } = await import('../run-pipeline.ts');
  return runPipeline(context, { config, pipeline, workflowId, input, follow: options.follow });
}
