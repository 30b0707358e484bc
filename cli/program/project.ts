import type { Command } from 'commander';

import { example, type When } from './define.ts';

/** The commands around a project. */
export function defineProject(program: Command, when: When): void {
  program
    .command('doctor')
    .summary('say what is wrong and what to do')
    .description(
      'Checks the machine, the services and the project; says what is wrong and what to do. Exits 1 if anything is.',
    )
    .addHelpText('after', example('perdura doctor'))
    .action(when(async () => (await import('../commands/doctor.ts')).doctor));
  program
    .command('init')
    .summary('write a small project')
    .description('Writes a small project: a pipeline with its features, schema, schedule, data and test.')
    .argument('<folder>', 'a new or empty folder')
    .option('--perdura <spec>', "what the project depends on (default: this version), such as 'file:../perdura.tgz'")
    .addHelpText('after', example('perdura init my-models'))
    .action(when(async () => (await import('../commands/init.ts')).init));
}
