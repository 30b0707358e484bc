import { type Command, Option } from 'commander';

import { example, type When, wholeNumber } from './define.ts';

const whyOption = ['--why <text>', 'the reason, kept in the history'] as const;
const whoOption = ['--who <name>', 'who does it (default: the account of this machine)'] as const;

/** The commands about who answers on an endpoint. */
export function defineRoutes(program: Command, when: When): void {
  const routes = program
    .command('routes')
    .summary('list endpoints, and switch who answers on them')
    .description('Lists endpoints with the versions that answer and their shares of traffic.')
    .argument('[endpoint]', 'only this one, with its earlier routes')
    .addHelpText('after', example('perdura routes flights'))
    .action(when(async () => (await import('../commands/routes.ts')).routes));
  routes
    .command('stage')
    .description('Loads a version beside the champion on all model servers, without a share of the traffic.')
    .argument('<endpoint>', 'name of the endpoint')
    .argument('<version>', "of the champion's model, one that is ready")
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura routes stage flights 7 --why "release 7"'))
    .action(when(async () => (await import('../commands/routes-stage.ts')).routesStage));
  routes
    .command('switch')
    .description('Sends all traffic to the challenger that is loaded, or back to the champion.')
    .argument('<endpoint>', 'name of the endpoint')
    .addOption(
      new Option('--to <arm>', 'who answers from now on').choices(['champion', 'challenger']).makeOptionMandatory(),
    )
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura routes switch flights --to challenger --why "release 7"'))
    .action(when(async () => (await import('../commands/routes-switch.ts')).routesSwitch));
  routes
    .command('sign')
    .description("Signs a route that has no signature by a trusted key, as it stands, with this machine's key.")
    .argument('<endpoint>', 'name of the endpoint')
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura routes sign flights --why "written before routes were signed"'))
    .action(when(async () => (await import('../commands/routes-sign.ts')).routesSign));
}

/** The commands about what an endpoint's owner declares. */
export function definePolicy(program: Command, when: When): void {
  const policy = program
    .command('policy')
    .summary("declare an endpoint's log, reviews, callers and limits")
    .description("Shows and declares what holds for an endpoint's log, its reviews, its callers and its limits.")
    .addHelpText('after', example('perdura policy show flights'));
  policy
    .command('show')
    .description('Shows what holds. Exits 1 when no trusted key has signed it.')
    .argument('<endpoint>', 'name of the endpoint')
    .addHelpText('after', example('perdura policy show flights --json'))
    .action(when(async () => (await import('../commands/policy-show.ts')).policyShow));
  policy
    .command('set')
    .description('Declares the sections log, review, access and limits of a file; those that it leaves out stay.')
    .argument('<endpoint>', 'name of the endpoint')
    .requiredOption('--file <file>', 'JSON')
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura policy set flights --file policy.json --why "no names in the log"'))
    .action(when(async () => (await import('../commands/policy-set.ts')).policySet));
  policy
    .command('add-key')
    .description('Makes an API key and prints it once; only its SHA-256 is kept.')
    .argument('<endpoint>', 'name of the endpoint')
    .requiredOption('--name <name>', 'who gets it')
    .option('--tester', 'its holder may choose the arm by the header x-perdura-arm')
    .option('--requests-per-second <number>', 'at most so many on one model server', wholeNumber)
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura policy add-key flights --name website --why "first client"'))
    .action(when(async () => (await import('../commands/policy-keys.ts')).policyAddKey));
  policy
    .command('remove-key')
    .description('Takes an API key away. An endpoint without its last key stays closed.')
    .argument('<endpoint>', 'name of the endpoint')
    .requiredOption('--name <name>', 'of the key')
    .requiredOption(...whyOption)
    .option(...whoOption)
    .addHelpText('after', example('perdura policy remove-key flights --name website --why "it leaked"'))
    .action(when(async () => (await import('../commands/policy-keys.ts')).policyRemoveKey));
}
