import { CodedError } from '../../domain/errors.ts';
import { refusedRequest } from './failures.ts';

/** A record goes into the log as it came. */
export const recordLimitBytes = 64 * 1024;

const shownCharacters = 80;

/** A refusal that names what of the request is at fault. `field` is a path in the request: `inputs[0].shape`, or the name of a tensor. */
export function refusedInput(message: string, field: string): CodedError {
  return new CodedError('INPUT_INVALID', message, { details: { field: shown(field) } });
}

/** A refusal of a record that is larger than the log should hold. */
export function recordTooLarge(): CodedError {
  return refusedRequest(
    413,
    `A record may have ${recordLimitBytes} bytes, this one has more. Send what the model needs.`,
  );
}

/** A client's name or text in a message: of bounded length. */
export function shown(text: string): string {
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`;
}

/** A client's value in a message: as JSON, of bounded length. */
export function shownValue(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(shown(value));
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value);
}
