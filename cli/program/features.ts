import type { Command } from 'commander';

import { example, type When } from './define.ts';

/** The commands about features over time. */
export function defineFeatures(program: Command, when: When): void {
  const features = program
    .command('features')
    .summary('fill, ask and check the online store')
    .description('Fills, asks and checks the store of recent events that model servers read aggregates from.')
    .addHelpText('after', example('perdura features materialize flights'));
  features
    .command('materialize')
    .description("Writes events of a pipeline's aggregates into the online store. Repeating it adds nothing.")
    .argument('<pipeline>', 'name of a folder in pipelines/')
    .option('--snapshot <name>', 'where the events are (default: the dataset of the aggregates at latest)')
    .option('--files <files...>', 'take the events from these files instead; needs no bucket')
    .option('--since <time>', 'only events from this moment on, ISO 8601')
    .option('--until <time>', 'only events before this moment, ISO 8601')
    .option('--forget-before <time>', 'then forget what no window as of this moment or later reaches, ISO 8601')
    .addHelpText('after', example('perdura features materialize flights --since 2001-03-01'))
    .action(when(async () => (await import('../commands/features-materialize.ts')).featuresMaterialize));
  features
    .command('get')
    .description('Shows what a model would get for a record: its aggregates from the online store, and its features.')
    .argument('<pipeline>', 'name of a folder in pipelines/')
    .requiredOption('--record <json>', 'the record, a JSON object')
    .addHelpText(
      'after',
      example(
        `perdura features get flights --record '{"date":"2001-03-01T09:00","origin":"ATL","destination":"SFO","distance":2139}'`,
      ),
    )
    .action(when(async () => (await import('../commands/features-get.ts')).featuresGet));
  features
    .command('check')
    .description(
      'Computes the features of answered requests again, from a snapshot. Exits 1 when one differs from what was served.',
    )
    .argument('<endpoint>', 'whose requests')
    .requiredOption('--snapshot <name>', 'where the events are, such as flights@latest')
    .option('--since <time>', 'only requests from this moment on, ISO 8601')
    .addHelpText('after', example('perdura features check flights --snapshot flights@latest'))
    .action(when(async () => (await import('../commands/features-check.ts')).featuresCheck));
}
