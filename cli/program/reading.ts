import type { Command } from 'commander';

import { example, wholeNumber, type When } from './define.ts';

/** The commands that show what is in the bucket. */
export function defineReading(program: Command, when: When): void {
  program
    .command('runs')
    .summary('list runs')
    .description('Lists runs, newest first.')
    .option('--pipeline <name>', 'only those of one pipeline')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .addHelpText('after', example('perdura runs --pipeline flights --limit 5'))
    .action(when(async () => (await import('../commands/runs.ts')).runs));
  program
    .command('show')
    .summary('show one run and what its decisions rest on')
    .description('Shows one run: its steps, decisions with their findings, violations and artifacts.')
    .argument('<run>', 'business id, run id or its first letters, or a pipeline for its newest run')
    .addHelpText('after', example('perdura show flights'))
    .action(when(async () => (await import('../commands/show.ts')).show));
  program
    .command('models')
    .summary('list models with versions and aliases')
    .description('Lists models with their versions and aliases.')
    .argument('[model]', 'only this one, with every move of its aliases')
    .addHelpText('after', example('perdura models flights'))
    .action(when(async () => (await import('../commands/models.ts')).models));
  program
    .command('routes')
    .summary('list endpoints and who answers on them')
    .description('Lists endpoints with the versions that answer and their shares of traffic.')
    .argument('[endpoint]', 'only this one, with its earlier routes')
    .addHelpText('after', example('perdura routes flights'))
    .action(when(async () => (await import('../commands/routes.ts')).routes));
  defineAudit(program, when);
}

function defineAudit(program: Command, when: When): void {
  const audit = program
    .command('audit')
    .summary('prove what a past run did')
    .description('Proves what a past run did.')
    .addHelpText('after', example('perdura audit replay flights'));
  audit
    .command('replay')
    .description('Checks the evidence of a run and replays it. Needs the bucket only. Exits 1 when anything differs.')
    .argument('<run>', 'business id, run id or its first letters, or a pipeline for its newest run')
    .option('--public-key <file>', 'the one key to trust, PEM (default: the copy in the bucket)')
    .addHelpText('after', example('perdura audit replay flights'))
    .action(when(async () => (await import('../commands/audit-replay.ts')).auditReplay));
}
