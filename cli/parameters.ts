import { join } from 'node:path';

import { z } from 'zod';

import { CodedError } from '../domain/errors.ts';
import { importModule } from '../project/bundle-module.ts';
import type { PipelineSource } from '../project/load.ts';
import { usageError } from './errors.ts';
import { suggestion } from './nearest.ts';

/** What a pipeline can be called with, by name, each with one sentence that says what it is: the export `parameters` of its parameters.ts. */
export type Parameters = Readonly<Record<string, string>>;

/** What a pipeline is called with. */
export type PipelineInput = Readonly<Record<string, unknown>>;

const parametersSchema = z.record(z.string(), z.string().trim().min(1));

/**
 * A pipeline's parameters; null when it does not tell them, and so takes anything.
 *
 * @throws CodedError PROJECT_INVALID naming the file and what is wrong.
 */
export async function readParameters(pipeline: PipelineSource, buildFolder: string): Promise<Parameters | null> {
  const file = pipeline.parametersFile;
  if (file === null) return null;
  const module = (await importModule(file, join(buildFolder, pipeline.name))) as { readonly parameters?: unknown };
  const parsed = parametersSchema.safeParse(module.parameters);
  if (parsed.success) return parsed.data;
  throw new CodedError(
    'PROJECT_INVALID',
    `${file} must export 'parameters', each with a sentence that says what it is, for example { data: "'newest', or the key of an arrived file" }.`,
    { details: { file, problems: z.prettifyError(parsed.error) } },
  );
}

/**
 * Refuses an input with a field that the pipeline does not take: it would run on something else than was meant.
 *
 * @throws CodedError INPUT_INVALID (wrong usage) with the nearest name and all there are.
 */
export async function checkInput(pipeline: PipelineSource, input: PipelineInput, buildFolder: string): Promise<void> {
  const parameters = await readParameters(pipeline, buildFolder);
  const problem = parameters === null ? null : unknownParameters(pipeline, input, parameters);
  if (problem !== null) throw usageError('INPUT_INVALID', problem);
}

/**
 * Refuses parameters that were written as options of a pipeline that does not tell what it takes: a mistyped option of Perdura would pass for
 * one of them.
 *
 * @throws CodedError INPUT_INVALID (wrong usage).
 */
export async function requireDeclared(
  pipeline: PipelineSource,
  own: PipelineInput,
  buildFolder: string,
): Promise<void> {
  const [name] = Object.keys(own);
  if (name === undefined || (await readParameters(pipeline, buildFolder)) !== null) return;
  throw usageError(
    'INPUT_INVALID',
    `unknown option '--${name}'. Pipeline '${pipeline.name}' has no parameters.ts: name its parameters there, or write --param ${name}=value.`,
  );
}

/** What is wrong with an input's names, in words; null when all are known. */
export function unknownParameters(
  pipeline: Pick<PipelineSource, 'name'>,
  input: PipelineInput,
  parameters: Parameters,
): string | null {
  const names = Object.keys(parameters);
  const unknown = Object.keys(input).filter((name) => !Object.hasOwn(parameters, name));
  if (unknown.length === 0) return null;
  const wrong = unknown.map(
    (name) => `Pipeline '${pipeline.name}' has no parameter '${name}'.${suggestion(name, names)}`,
  );
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `\n  ${name.padEnd(width)}  ${parameters[name]}`);
  return `${wrong.join(' ')} ${names.length === 0 ? 'It takes none.' : `It takes:${lines.join('')}`}`;
}
