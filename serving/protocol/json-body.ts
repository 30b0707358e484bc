import { isUtf8 } from 'node:buffer';

import { refusedInput, shownValue } from './refused-input.ts';

/** The members of a JSON object, as a client sent them. */
export type Members = Readonly<Record<string, unknown>>;

const mostDepth = 32;
/** Visible text of bounded length: control characters and half surrogate pairs would not survive the log. */
const plainId = /^\P{C}{1,200}$/u;

/**
 * The JSON object that a body holds.
 *
 * @throws CodedError INPUT_INVALID for what is no UTF-8, no JSON, no object, or nested deeper than 32.
 */
export function parseBody(body: Buffer): Members {
  if (!isUtf8(body)) throw refusedInput('The body is no UTF-8. Send JSON in UTF-8.', 'body');
  const parsed = parseText(body.toString(), 'body');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refusedInput(`The body must be a JSON object, got ${shownValue(parsed)}.`, 'body');
  }
  return parsed as Members;
}

/** An id or subject that a client gave; null where it gave none. @throws CodedError INPUT_INVALID. */
export function idOf(value: unknown, field: string): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && plainId.test(value)) return value;
  throw refusedInput(`'${field}' must be 1 to 200 visible characters, got ${shownValue(value)}.`, field);
}

/** A JSON text; `field` names it in the error. @throws CodedError INPUT_INVALID for what is no JSON, or nested deeper than 32. */
export function parseText(text: string, field: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refusedInput(`'${field}' is no JSON: ${(error as Error).message}.`, field);
  }
  if (typeof parsed === 'object' && parsed !== null) requireShallow(parsed, field, mostDepth);
  return parsed;
}

function requireShallow(value: object, field: string, left: number): void {
  if (left === 0) throw refusedInput(`'${field}' is nested deeper than ${mostDepth}.`, field);
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      const each: unknown = value[at];
      if (typeof each === 'object' && each !== null) requireShallow(each, field, left - 1);
    }
    return;
  }
  for (const name in value) {
    const each: unknown = (value as Members)[name];
    if (typeof each === 'object' && each !== null) requireShallow(each, field, left - 1);
  }
}
