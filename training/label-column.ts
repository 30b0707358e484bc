import { CodedError } from '../domain/errors.ts';
import type { Target } from '../domain/target.ts';

/** The target as the column that labels are read from; what is cast so already stays as it is. */
export function labelSql(target: Target): string {
  return `CAST((${target.sql}\n) AS ${labelType(target)})`;
}

/**
 * Turns values of the label column into numbers: 0 or 1, the place of a class, or the number itself. A class that is not among `classes` is
 * -1: a hold-out may know classes that training never saw.
 *
 * @throws CodedError INPUT_INVALID for a value that the task does not take.
 */
export function labelOf(target: Target, classes: readonly string[]): (value: unknown) => number {
  const { task } = target;
  switch (task) {
    case 'binary':
      return (value) => {
        if (value === 0 || value === 1) return value;
        throw unlike(target, 'true, false or null', value, "Write a comparison, for example 'delay > 15'.");
      };
    case 'multiclass': {
      const places = new Map(classes.map((name, place) => [name, place]));
      return (value) => places.get(String(value)) ?? -1;
    }
    case 'regression':
      return (value) => {
        if (typeof value === 'number' && Number.isFinite(value)) return value;
        throw unlike(target, 'a finite number or null', value, "Turn other values into null, for example by 'nullif'.");
      };
    default:
      return task satisfies never;
  }
}

function labelType({ task }: Target): string {
  switch (task) {
    case 'binary':
      return 'INTEGER';
    case 'multiclass':
      return 'VARCHAR';
    case 'regression':
      return 'DOUBLE';
    default:
      return task satisfies never;
  }
}

function unlike(target: Target, wanted: string, value: unknown, remedy: string): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `Target '${target.name}' (${target.sql}) must be ${wanted} in each row, got ${String(value)}. ${remedy}`,
  );
}
