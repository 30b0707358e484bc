import { type Command, Option } from 'commander';

import { example, type When } from './define.ts';

/** The commands about registered models. */
export function defineModels(program: Command, when: When): void {
  const models = program
    .command('models')
    .summary('list, prove and roll back models')
    .description('Lists models with their versions and aliases.')
    .argument('[model]', 'only this one, with every move of its aliases')
    .argument('[version]', 'only this version of it, with where it comes from')
    .addHelpText('after', example('perdura models flights'))
    .action(when(async () => (await import('../commands/models.ts')).models));
  models
    .command('rollback')
    .description(
      'Makes an earlier version the champion again, and sends all traffic of its endpoint to it, in one turn.',
    )
    .argument('<model>', 'name of the model')
    .requiredOption('--why <text>', 'the reason, kept in the registry and the route')
    .option('--to <version>', 'a version that is ready (default: the champion before)')
    .option('--endpoint <name>', "whose route goes with it (default: the model's name)")
    .option('--who <name>', 'who goes back (default: the account of this machine)')
    .addHelpText('after', example('perdura models rollback flights --why "late flights are missed since noon"'))
    .action(when(async () => (await import('../commands/models-rollback.ts')).modelsRollback));
  models
    .command('verify')
    .description('Proves that packages are what was signed, by a key that is trusted here. Exits 1 when one is not.')
    .argument('<model>', 'name of the model')
    .argument('[version]', 'only this version')
    .addHelpText('after', example('perdura models verify flights'))
    .action(when(async () => (await import('../commands/models-verify.ts')).modelsVerify));
  models
    .command('card')
    .description('Prints the card of a version, made from its evidence: use, limits, data, metrics, cost, lineage.')
    .argument('<model>', 'flights, flights@3, flights@1.2.0 or flights@challenger (default: the champion)')
    .addOption(
      new Option('--format <name>', 'of the card; cyclonedx is a bill of materials')
        .choices(['markdown', 'html', 'json', 'cyclonedx'])
        .default('markdown'),
    )
    .option('--output <file>', 'a new file (default: print it)')
    .option('--diff <model>', 'print what differs in the card of another version instead')
    .addHelpText('after', example('perdura models card flights --diff flights@1'))
    .action(when(async () => (await import('../commands/models-card.ts')).modelsCard));
  models
    .command('rebuild')
    .description('Makes the registry index of models anew from their changes.')
    .argument('[model]', 'only this one')
    .addHelpText('after', example('perdura models rebuild'))
    .action(when(async () => (await import('../commands/models-rebuild.ts')).modelsRebuild));
}
