import type { PipelineSource, Project } from '../project/load.ts';
import { usageError } from './errors.ts';
import { suggestion } from './nearest.ts';

/**
 * The pipeline of a name, as a folder or as a function.
 *
 * @throws CodedError PIPELINE_NOT_FOUND (wrong usage) with the nearest name and all there are.
 */
export function findPipeline(project: Project, name: string): PipelineSource {
  const found = project.pipelines.find((pipeline) => pipeline.name === name || pipeline.functionName === name);
  if (found !== undefined) return found;
  const names = project.pipelines.map((pipeline) => pipeline.name);
  const there =
    names.length === 0 ? 'It has none: write pipelines/<name>/pipeline.ts.' : `It has: ${names.join(', ')}.`;
  throw usageError(
    'PIPELINE_NOT_FOUND',
    `Project '${project.name}' has no pipeline '${name}'.${suggestion(name, names)} ${there}`,
  );
}
