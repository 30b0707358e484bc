import { CodedError } from '../../domain/errors.ts';
import type { Json } from './client.ts';

/** A run of MLflow, and where its artifacts go. */
export type Place = { readonly runId: string; readonly artifactUri: string };

/** The place of a run as the server describes it. */
export function placeOf(run: Json): Place {
  const info = member(run, 'info');
  return { runId: textOf(info, 'run_id'), artifactUri: textOf(info, 'artifact_uri') };
}

/** Of a run the tags stand in its data, of a model version beside its name. */
export function tagOf(thing: Json, key: string): string | null {
  const data = thing['data'] === undefined ? thing : member(thing, 'data');
  const tag = listOf(data, 'tags').find((each) => each['key'] === key);
  return tag === undefined ? null : textOf(tag, 'value');
}

/**
 * A part of an answer.
 *
 * @throws CodedError INPUT_INVALID when it is not there: what answers is something else.
 */
export function member(answer: Json, name: string): Json {
  const value = answer[name];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw strange(name);
}

/** A list of an answer; MLflow leaves out an empty one. */
export function listOf(answer: Json, name: string): readonly Json[] {
  const value = answer[name] ?? [];
  if (Array.isArray(value)) return value as readonly Json[];
  throw strange(name);
}

/**
 * A text of an answer.
 *
 * @throws CodedError INPUT_INVALID when it is not there.
 */
export function textOf(answer: Json, name: string): string {
  const value = answer[name];
  if (typeof value === 'string') return value;
  throw strange(name);
}

function strange(name: string): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `What answers is no MLflow server of version 2 or 3: its answer has no '${name}'. Correct --to.`,
  );
}
