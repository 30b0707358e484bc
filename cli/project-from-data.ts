import { basename, resolve } from 'node:path';
import type { TextDialect } from '../domain/snapshot.ts';
import type { Task } from '../domain/target.ts';
import { pipelineFunction } from '../project/load.ts';
import { usageError } from './errors.ts';
import { makePlan } from './from-data/make-plan.ts';
import type { LearningPlan } from './from-data/plan.ts';
import { projectFiles } from './from-data/project-files.ts';
import { kebabCase } from './from-data/words.ts';
import { checkTarget, type MadeProject, type ProjectRequest, writeProject } from './project-template.ts';

/** A project that is to learn from a file: `data` as typed, against the request's folder. */
export type DataProjectRequest = ProjectRequest & {
  readonly data: string;
  readonly learn: string;
  readonly task: Task | null;
  readonly name: string | null;
  readonly keep: readonly string[];
  readonly dialect: TextDialect | null;
};

/**
 * Names that a pipeline's function cannot have: those of its own steps and values, of Perdura's workflows, and words of the language.
 */
const taken: ReadonlySet<string> = new Set(
  `
    accuracy activities auc canary denseNet errors evaluate logLoss promote reject rmse schema shadow snapshot
    split target train validate
    accepted challenger data holdout input mirrored offline ramped training
    archive endpoint monitor
    arguments await break case catch class const continue debugger default delete do else enum eval export
    extends false finally for function if implements import in instanceof interface let new null package
    private protected public return static super switch this throw true try typeof var void while with yield
  `
    .trim()
    .split(/\s+/),
);

/**
 * Writes a project whose pipeline learns a column of the person's own file, and says what it was made from.
 *
 * @throws CodedError as `makePlan` and `writeProject`; INPUT_INVALID (wrong usage) for a name that no pipeline can have.
 */
export async function projectFromData(
  request: DataProjectRequest,
): Promise<{ readonly made: MadeProject; readonly plan: LearningPlan }> {
  await checkTarget(request);
  const path = resolve(request.folder, request.data);
  const name = basename(path);
  const plan = await makePlan({
    pipeline: pipelineName(request.name, name),
    file: { name, path },
    dialect: request.dialect,
    target: request.learn,
    task: request.task,
    keep: request.keep,
  });
  const made = await writeProject(request, { files: (project) => projectFiles(project, plan), data: { name, path } });
  return { made, plan };
}

/** The file's name without its endings; `train.csv` becomes `train-model`, because the pipeline has a step of that name. */
function pipelineName(given: string | null, file: string): string {
  const name = given ?? kebabCase(file.replace(/\..*$/, ''));
  const usable = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) && name.length <= 90;
  if (usable && !taken.has(pipelineFunction(name))) return name;
  if (given === null) return usable ? `${name}-model` : 'model';
  throw usageError(
    'INPUT_INVALID',
    `A pipeline cannot be called '${name}': ${usable ? 'a step or a word of the language is called so' : 'names are in kebab-case, such as late-arrivals'}. Choose another --name.`,
  );
}
