import { usageError } from './errors.ts';
import { nearest } from './nearest.ts';

/** One of a pipeline's own parameters as it was typed. */
export type OwnOption = { readonly name: string; readonly value: string };

/** The options of `perdura run` itself: a mistyped one must not pass for a parameter. */
const known = ['input', 'param', 'id', 'no-follow', 'json', 'verbose', 'help'];

/**
 * Reads what stands behind a pipeline's name: `--data newest`, `--data=newest`. It needs no project, so that a typing error is answered at once.
 *
 * @throws CodedError INPUT_INVALID (wrong usage) for a word that is no option, and for an option without a value.
 */
export function ownOptions(words: readonly string[]): readonly OwnOption[] {
  const found: OwnOption[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, name, given] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined)
      throw usageError('INPUT_INVALID', `'${word}' stands alone. Write a parameter as --name value.`);
    const next = words[at + 1];
    const value = given ?? (next?.startsWith('--') === true ? undefined : next);
    if (value === undefined) throw usageError('INPUT_INVALID', withoutValue(name));
    if (given === undefined) at += 1;
    found.push({ name, value });
  }
  return found;
}

/** @throws CodedError INPUT_INVALID (wrong usage), before anything is loaded for the command. */
export function checkOwnOptions([pipeline = '', ...words]: readonly string[]): void {
  if (pipeline.startsWith('-'))
    throw usageError('INPUT_INVALID', `The pipeline's name must come before '${pipeline}'. See 'perdura run --help'.`);
  ownOptions(words);
}

function withoutValue(name: string): string {
  const meant = nearest(name, known);
  return meant === null
    ? `--${name} lacks a value. Write --${name} value.`
    : `unknown option '--${name}'. Did you mean --${meant}?`;
}
