import { CodedError } from './errors.ts';
import type { Signature } from './model-package.ts';

/**
 * The number that the log holds of a true outcome: 1 or 0 of a binary target, the number of a regression, the place of a class, which is given by
 * its name. Takes text too, since files and command lines have nothing else.
 *
 * @throws CodedError INPUT_INVALID naming the label and what it may be.
 */
export function labelNumber(signature: Pick<Signature, 'target' | 'classes'>, given: unknown): number {
  const { name, task } = signature.target;
  const text = String(given).trim();
  switch (task) {
    case 'binary':
      if (['true', '1'].includes(text.toLowerCase())) return 1;
      if (['false', '0'].includes(text.toLowerCase())) return 0;
      throw invalid(given, `of '${name}' must be true or false`);
    case 'regression': {
      const value = text === '' ? Number.NaN : Number(text);
      if (Number.isFinite(value)) return value;
      throw invalid(given, `of '${name}' must be a finite number`);
    }
    case 'multiclass': {
      const classes = signature.classes ?? [];
      const place = classes.indexOf(String(given));
      if (place >= 0) return place;
      throw invalid(given, `of '${name}' must be one of its classes: ${classes.join(', ')}`);
    }
    default:
      return task satisfies never;
  }
}

function invalid(given: unknown, what: string): CodedError {
  const shown = JSON.stringify(given) ?? 'nothing';
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  return new CodedError('INPUT_INVALID', `A label ${what}, got ${short}.`, { details: { field: 'label' } });
}
