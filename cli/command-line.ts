import { Console } from 'node:console';

import { CommanderError } from 'commander';

import type { Surroundings } from './context.ts';
import { reportError } from './errors.ts';
import { createOutput } from './output.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command line and says the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
 * Nothing reaches the caller as an exception, and with --json stdout holds exactly one JSON document, also for errors and help.
 */
export async function runCommandLine(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  // Read before commander does: an error in the arguments must already be told in the wanted form.
  const flags = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const shown = { json: flags.includes('--json'), verbose: flags.includes('--verbose') };
  const output = createOutput(surroundings, shown);
  // What a library prints must not land between a reader and the JSON.
  if (shown.json) globalThis.console = new Console(surroundings.stderr, surroundings.stderr);
  surroundings.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader went away, as `head` does: nothing is wrong.
    if (error.code === 'EPIPE') process.exit(0);
  });

  const help: string[] = [];
  let exitCode = 0;
  const program = createProgram({
    context: { output, environment: surroundings.environment, folder: surroundings.folder },
    write: (text) => void help.push(text),
    done: (code) => void (exitCode = code),
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, surroundings, shown);
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      // No command was named: the help is the best answer, but scripts must see that nothing was done.
      surroundings.stderr.write(help.join(''));
      return reportNothing(shown.json, surroundings);
    }
    if (error.exitCode !== 0) return reportError(error, surroundings, shown);
    const text = help.join('').trimEnd();
    output.answer(error.code === 'commander.version' ? { version: text } : { help: text }, () => text);
    return 0;
  }
}

function reportNothing(json: boolean, surroundings: Surroundings): number {
  if (!json) return 2;
  return reportError(new CommanderError(2, 'perdura.noCommand', 'a command is missing'), surroundings, {
    json,
    verbose: false,
  });
}
