import type { Command } from 'commander';

import { example, type When } from './define.ts';
import { withDialect } from './dialect.ts';

/** The commands about files of data. */
export function defineData(program: Command, when: When): void {
  const data = program
    .command('data')
    .summary('add, check and describe data')
    .description('Adds data to the bucket, checks it, and writes a schema from it.')
    .addHelpText('after', example('perdura data add flights data/2001-02.parquet'));
  data
    .command('add')
    .description('Puts files into the bucket as arrivals of a dataset.')
    .argument('<dataset>', 'name of the dataset')
    .argument('<files...>', 'Parquet, CSV, TSV or JSON lines; text also as .gz or .zst; or folders of them')
    .addHelpText('after', example('perdura data add flights data/2001-02.parquet'))
    .action(when(async () => (await import('../commands/data-add.ts')).dataAdd));
  defineCheck(data, when);
  defineInfer(data, when);
}

function defineCheck(data: Command, when: When): void {
  const check = data
    .command('check')
    .description(
      'Runs the gate on files as they lie, without Temporal or S3. Exits 1 when the data would be stopped or quarantined.',
    )
    .argument('<files...>', 'Parquet, CSV, TSV or JSON lines; text also as .gz or .zst')
    .requiredOption('--schema <file>', 'TypeScript file that exports the schema')
    .option('--environment <name>', 'which expectations hold (default: training)')
    .option(
      '--reference <files...>',
      "what 'previous' and named references mean here; name@tag=file for one of them, such as airports@latest=airports.csv",
    )
    .option('--report <file>', 'write the report as one HTML page');
  withDialect(check)
    .addHelpText('after', example('perdura data check new.parquet --schema schema.ts --reference old.parquet'))
    .action(when(async () => (await import('../commands/data-check.ts')).dataCheck));
}

function defineInfer(data: Command, when: When): void {
  const infer = data
    .command('infer')
    .description('Proposes a schema for data: a TypeScript file to read, edit and keep. Files need no service.')
    .argument('<data...>', 'files that are read as one table, or one snapshot such as flights@latest')
    .option('--output <file>', 'a new file (default: print it)')
    .option('--dataset <name>', "the schema's dataset (default: the first file's name, or the snapshot's dataset)");
  withDialect(infer)
    .addHelpText('after', example('perdura data infer data/2001-02.parquet --dataset flights --output schema.ts'))
    .action(when(async () => (await import('../commands/data-infer.ts')).dataInfer));
}
