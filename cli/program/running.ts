import type { Command } from 'commander';

import { checkOwnOptions } from '../own-options.ts';
import { collect, example, type When } from './define.ts';

/** The commands that start pipelines. */
export function defineRunning(program: Command, when: When): void {
  program
    .command('dev')
    .summary('start services, worker and model server, and stay up')
    .description(
      'Starts Temporal and S3 (unless given), a worker and a model server, keeps the schedules, and stays up.',
    )
    .addHelpText('after', example('perdura dev'))
    .action(when(async () => (await import('../commands/dev.ts')).dev));
  program
    .command('run')
    .summary('run a pipeline and follow it')
    .description('Runs a pipeline and follows it to its end. A rejected challenger is a normal result and exits 0.')
    .argument('<pipeline>', 'name of a folder in pipelines/')
    .argument('[parameters...]', "the pipeline's own parameters as options: --data newest --trainer lightgbm")
    .allowUnknownOption()
    .hook('preAction', (_, command) => checkOwnOptions(command.args))
    .option('--input <json>', 'the input, a JSON object')
    .option('--param <key=value>', 'one field of the input, repeatable; the value is JSON, or else text', collect)
    .option('--id <id>', 'business id of the run (default: <pipeline>/<time>)')
    .option('--no-follow', "start it and leave; needs a running worker, for example of 'perdura dev'")
    .addHelpText('after', example('perdura run flights --data 2001-02.parquet --trainer lightgbm'))
    .action(when(async () => (await import('../commands/run.ts')).run));
}
