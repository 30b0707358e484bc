import type { Command } from 'commander';

import { example, wholeNumber, type When } from './define.ts';
import { definePolicy, defineRoutes } from './endpoints.ts';
import { defineModels } from './models.ts';

/** The commands that show what is in the bucket. */
export function defineReading(program: Command, when: When): void {
  program
    .command('runs')
    .summary('list runs')
    .description('Lists runs, newest first: outcome, version, time and cost.')
    .option('--pipeline <name>', 'only those of one pipeline')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .addHelpText('after', example('perdura runs --pipeline flights --limit 5'))
    .action(when(async () => (await import('../commands/runs.ts')).runs));
  program
    .command('show')
    .summary('show one run and what its decisions rest on')
    .description('Shows one run: its steps, trainings, decisions with their findings, violations and artifacts.')
    .argument('<run>', 'business id, run id or its first letters, or a pipeline for its newest run')
    .option('--why', 'only why each training was computed, or found in the step cache')
    .addHelpText('after', example('perdura show flights'))
    .action(when(async () => (await import('../commands/show.ts')).show));
  program
    .command('compare')
    .summary('show what differs between runs')
    .description('Shows what differs between runs: params, metrics, data, code, environment, usage and cost.')
    .argument('<runs...>', 'two or more: business id, run id or its first letters, or a pipeline for its newest run')
    .option('--html <file>', 'write the curves as one HTML page')
    .addHelpText('after', example('perdura compare flights/1 flights/2 --html curves.html'))
    .action(when(async () => (await import('../commands/compare.ts')).compare));
  defineModels(program, when);
  defineRoutes(program, when);
  definePolicy(program, when);
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
