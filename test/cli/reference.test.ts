import { readFileSync } from 'node:fs';

import { createProgram } from '../../cli/program.ts';
import type { Context } from '../../cli/context.ts';

const reference = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8');
const blocks = [...reference.matchAll(/^\$ perdura ?(.*?) ?--help\n([\s\S]*?)\n```$/gm)].map(
  ([, words = '', help = '']) => ({ command: `perdura ${words}`.trim(), words, help }),
);

/** As `perdura … --help` prints it where the output is no terminal. */
async function helpOf(words: string): Promise<string> {
  const written: string[] = [];
  const program = createProgram({
    // No command runs.
    context: {} as Context,
    write: (text) => written.push(text),
    done: () => undefined,
  });
  const all = [program];
  for (const each of all) all.push(...each.configureOutput({ getOutHelpWidth: () => 80 }).commands);
  // Help ends by throwing, so that nothing else happens.
  await program.parseAsync([...words.split(' ').filter(Boolean), '--help'], { from: 'user' }).catch(() => undefined);
  return written.join('').trim();
}

test('the reference shows all commands', () => {
  const program = createProgram({ context: {} as Context, write: () => undefined, done: () => undefined });
  const names = (above: string, commands: typeof program.commands): readonly string[] =>
    commands.flatMap((each) => [`${above} ${each.name()}`, ...names(`${above} ${each.name()}`, each.commands)]);
  expect(blocks.map(({ command }) => command).toSorted()).toEqual(
    ['perdura', ...names('perdura', program.commands)].toSorted(),
  );
});

test.each(blocks)('the help of $command stands in the reference as it is printed', async ({ words, help }) => {
  expect(help).toBe(await helpOf(words));
});
