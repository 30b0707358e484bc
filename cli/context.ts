import type { Output } from './output.ts';

/** What a command gets beside its own arguments. */
export type Context = {
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the command was called; the project. */
  readonly folder: string;
};

/** Where a command line reads and writes. */
export type Surroundings = {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: string;
};

/** What a command does: returns its exit code, 0 or 1. What it throws is printed for it. */
export type Command<Arguments extends readonly unknown[]> = (context: Context, ...values: Arguments) => Promise<number>;
