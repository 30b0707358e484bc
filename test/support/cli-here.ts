import { Writable } from 'node:stream';
import { runCommandLine } from '../../cli/command-line.ts';
import type { CommandOptions, CommandResult } from './cli.ts';

/** Runs a command line within this process, from the sources: where many calls would each wait for a process of their own. */
export async function perduraHere(words: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [stdout, stderr] = [collected(), collected()];
  // --json hands the console to stderr for good.
  const before = globalThis.console;
  try {
    const exitCode = await runCommandLine(words, {
      stdout: stdout.stream,
      stderr: stderr.stream,
      environment: options.environment ?? {},
      folder: options.folder,
    });
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    globalThis.console = before;
  }
}

function collected(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const parts: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk.toString());
      done();
    },
  });
  return { stream: stream as NodeJS.WriteStream, text: () => parts.join('') };
}
