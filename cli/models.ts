import { CodedError } from '../domain/errors.ts';
import type { Registry } from '../domain/registry.ts';
import { suggestion } from './nearest.ts';

/** NOT_FOUND for a model, with the name that was perhaps meant. */
export function modelNotFound(name: string, all: readonly Registry[]): CodedError {
  const names = all.map((registry) => registry.model);
  return new CodedError(
    'NOT_FOUND',
    `Model '${name}' not found.${suggestion(name, names)} List them with 'perdura models'.`,
  );
}
