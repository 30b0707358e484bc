import type { Command } from 'commander';

import { example, type When } from './define.ts';

/** The commands about the inference log. */
export function defineLog(program: Command, when: When): void {
  const log = program
    .command('log')
    .summary('look a request up in the inference log')
    .description('Shows what was asked and answered.')
    .addHelpText('after', example('perdura log show flights 7f3a'));
  log
    .command('show')
    .description(
      'Shows all that is kept of one request: answers, shadows, labels, and the route it was answered under.',
    )
    .argument('<endpoint>', 'name of the endpoint')
    .argument('<requestId>', 'the id that the client sent or got')
    .option('--since <time>', 'look from here on (ISO 8601; default: the first file)')
    .option('--until <time>', 'look up to here (default: now)')
    .addHelpText('after', example('perdura log show flights 7f3a --since 2026-11-01'))
    .action(when(async () => (await import('../commands/log-show.ts')).logShow));
}
