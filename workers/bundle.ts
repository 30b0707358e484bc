import { type Project, pipelineFunction } from '../project/load.ts';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { type WorkflowBundle, bundleWorkflowCode } from '@temporalio/worker';
import { CodedError } from '../domain/errors.ts';

/** The workflow code that a worker runs; its digest is the identity of the code in every run's environment. */
export type BuiltBundle = { readonly file: string; readonly sha256: string };

const fromSource = import.meta.url.endsWith('.ts');

/**
 * Bundles the framework's workflows and the project's pipelines into one file in `folder`. The same code in the same folder gives the same bytes.
 *
 * @throws CodedError PROJECT_INVALID with the bundler's words when a pipeline does not build.
 */
export async function buildWorkflowBundle(project: Project, folder: string): Promise<BuiltBundle> {
  await mkdir(folder, { recursive: true });
  const entry = join(folder, 'workflows-entry.mjs');
  await writeFile(entry, entryText(project));
  const { code } = await bundle(project, entry);
  const sha256 = createHash('sha256').update(code).digest('hex');
  const file = join(folder, `workflows-${sha256}.js`);
  await writeFile(`${file}.${process.pid}`, code);
  await rename(`${file}.${process.pid}`, file);
  return { file, sha256 };
}

/** The module that interceptors are loaded from, inside every workflow. */
export function interceptorModule(): string {
  return framework('workflows/interceptors/index');
}

function entryText(project: Project): string {
  const pipelines = project.pipelines.map(
    (pipeline) => `export { ${pipelineFunction(pipeline.name)} } from ${JSON.stringify(pipeline.pipelineFile)};`,
  );
  return [`export * from ${JSON.stringify(framework('workflows/index'))};`, ...pipelines, ''].join('\n');
}

/** The node_modules folder that holds the Temporal SDK of this installation. */
function ownModules(): string {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/workflow/package.json');
  return join(dirname(manifest), '..', '..');
}

function framework(module: string): string {
  return fileURLToPath(new URL(`../${module}.${fromSource ? 'ts' : 'js'}`, import.meta.url));
}

async function bundle(project: Project, entry: string): Promise<WorkflowBundle & { code: string }> {
  const complaints: string[] = [];
  const keep = (message: string) => void complaints.push(message);
  const silent = () => undefined;
  try {
    return await bundleWorkflowCode({
      workflowsPath: entry,
      workflowInterceptorModules: [interceptorModule()],
      logger: { log: silent, trace: silent, debug: silent, info: silent, warn: keep, error: keep },
      webpackConfigHook: (config) => ({
        ...config,
        resolve: {
          ...config.resolve,
          // The entry lies in the home folder, which may be anywhere: Temporal's runtime is found from here, as this module finds it.
          modules: [...(config.resolve?.modules ?? ['node_modules']), ownModules()],
          conditionNames: [...(fromSource ? ['source'] : []), 'import', 'require', 'node', 'default'],
        },
      }),
    });
  } catch (error) {
    const names = project.pipelines.map((pipeline) => basename(pipeline.folder)).join(', ');
    throw new CodedError(
      'PROJECT_INVALID',
      `The pipelines of ${project.folder} (${names}) do not bundle: ${plain(complaints.at(-1) ?? String(error))} Pipelines run in Temporal's sandbox: they may import perdura/steps and pure modules.`,
      { cause: error },
    );
  }
}

/** The bundler's first error, without its page of statistics and colours. */
function plain(text: string): string {
  const uncoloured = stripVTControlCharacters(text);
  const first = uncoloured.indexOf('ERROR in');
  return (first < 0 ? uncoloured : uncoloured.slice(first)).split('\n\n')[0]?.replaceAll(/\s+/g, ' ').trim() ?? '';
}
