import { InvalidArgumentError } from 'commander';

import type { Command as Action, Context } from '../context.ts';

/** What a program needs: where commands run, where help goes, and who learns the exit code. */
export type ProgramOptions = {
  readonly context: Context;
  readonly write: (helpText: string) => void;
  readonly done: (exitCode: number) => void;
};

/** Makes commander's action of a command that is loaded only when it is called. */
export type When = <Values extends readonly unknown[]>(
  load: () => Promise<Action<Values>>,
) => (...values: unknown[]) => Promise<void>;

/** Commander hands over arguments, then options, then the command itself, which ours do without. */
export function lazily({ context, done }: ProgramOptions): When {
  return <Values extends readonly unknown[]>(load: () => Promise<Action<Values>>) =>
    async (...values: unknown[]) => {
      const action = await load();
      done(await action(context, ...(values.slice(0, -1) as unknown as Values)));
    };
}

/** The example at the end of a command's help. */
export function example(text: string): string {
  return `\nExample:\n  $ ${text}`;
}

/** Parses an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** @throws InvalidArgumentError, which commander tells with the option's name. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Write a whole number from 1.');
  return value;
}

/** @throws InvalidArgumentError, which commander tells with the option's name. */
export function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new InvalidArgumentError('Write a whole number from 1 to 65535.');
  return value;
}
