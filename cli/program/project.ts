import { type Command, Option } from 'commander';

import { collect, example, type When } from './define.ts';
import { withDialect } from './dialect.ts';

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
  defineInit(program, when);
}

function defineInit(program: Command, when: When): void {
  const init = program
    .command('init')
    .summary('write a small project')
    .description(
      'Writes a small project: a pipeline with its features, schema, schedule, data and test. With --data and --target it learns from your own file.',
    )
    .argument('<folder>', 'a new or empty folder')
    .option('--data <file>', 'Parquet, CSV, TSV or JSON lines to learn from; text also as .gz or .zst')
    .option('--target <column>', 'which column of it is to be predicted')
    .addOption(
      new Option('--task <task>', 'what kind of answer (default: as the column looks)').choices([
        'binary',
        'multiclass',
        'regression',
      ]),
    )
    .option('--name <pipeline>', "the pipeline's name in kebab-case (default: the file's name)")
    .option('--keep <column>', 'learn from this column although it looks like a key or a leak; several times', collect)
    .option('--perdura <spec>', "what the project depends on (default: this version), such as 'file:../perdura.tgz'");
  withDialect(init)
    .addHelpText('after', example('perdura init my-models --data customers.csv --target churned'))
    .action(when(async () => (await import('../commands/init.ts')).init));
}
