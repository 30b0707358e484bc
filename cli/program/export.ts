import type { Command } from 'commander';

import { example, type When } from './define.ts';

/** The commands that mirror what is in the bucket into other systems. */
export function defineExport(program: Command, when: When): void {
  const exporting = program
    .command('export')
    .summary('mirror runs and models into other systems')
    .description('Mirrors runs and models into other systems, one way.')
    .addHelpText('after', example('perdura export mlflow --to http://127.0.0.1:5000'));
  exporting
    .command('mlflow')
    .description(
      'Writes runs, trainings with every metric point, artifacts, model versions and aliases into an MLflow server. May be repeated.',
    )
    .requiredOption('--to <address>', 'of the tracking server; user and password may stand in it')
    .option('--pipeline <name>', 'only runs of one pipeline')
    .addHelpText('after', example('perdura export mlflow --to http://127.0.0.1:5000 --pipeline flights'))
    .action(when(async () => (await import('../commands/export-mlflow.ts')).exportMlflow));
}
