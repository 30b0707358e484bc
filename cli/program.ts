import { readFileSync } from 'node:fs';

import { Command, InvalidArgumentError } from 'commander';

import type { Command as Action, Context } from './context.ts';

/** What a program needs: where commands run, where help goes, and who learns the exit code. */
export type ProgramOptions = {
  readonly context: Context;
  readonly write: (helpText: string) => void;
  readonly done: (exitCode: number) => void;
};

/**
 * The command line's shape: names, options, help. It loads no command: each is imported when it is called, so that help and
 * typing errors do not wait for Temporal, DuckDB or the AWS SDK.
 */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command('perdura')
    .description('Workflow-as-code for the whole life of a machine-learning model.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'print help')
    .option('--json', 'print one JSON document on stdout and nothing else there')
    .option('--verbose', 'show the stack of an error')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', example('perdura init my-models'))
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: options.write, writeErr: options.write, outputError: () => undefined })
    .exitOverride();
  const when = lazily(options);
  defineRunning(program, when);
  defineReading(program, when);
  defineProcesses(program, when);
  defineProject(program, when);
  return program;
}

type When = <Values extends readonly unknown[]>(
  load: () => Promise<Action<Values>>,
) => (...values: unknown[]) => Promise<void>;

/** Commander hands over arguments, then options, then the command itself, which ours do without. */
function lazily({ context, done }: ProgramOptions): When {
  return <Values extends readonly unknown[]>(load: () => Promise<Action<Values>>) =>
    async (...values: unknown[]) => {
      const action = await load();
      done(await action(context, ...(values.slice(0, -1) as unknown as Values)));
    };
}

function defineRunning(program: Command, when: When): void {
  program
    .command('dev')
    .summary('start services, worker and model server, and stay up')
    .description(
      'Starts Temporal and S3 (unless given), a worker and a model server, keeps the schedules, and stays up.',
    )
    .addHelpText('after', example('perdura dev'))
    .action(when(async () => (await import('./commands/dev.ts')).dev));
  program
    .command('run')
    .summary('run a pipeline and follow it')
    .description('Runs a pipeline and follows it to its end. A rejected challenger is a normal result and exits 0.')
    .argument('<pipeline>', 'name of a folder in pipelines/')
    .option('--input <json>', 'the input, a JSON object')
    .option('--param <key=value>', 'one field of the input, repeatable; the value is JSON, or else text', collect)
    .option('--id <id>', 'business id of the run (default: <pipeline>/<time>)')
    .option('--no-follow', "start it and leave; needs a running worker, for example of 'perdura dev'")
    .addHelpText('after', example('perdura run flights --param data=data/flights/2001-02.parquet'))
    .action(when(async () => (await import('./commands/run.ts')).run));
}

function defineReading(program: Command, when: When): void {
  program
    .command('runs')
    .summary('list runs')
    .description('Lists runs, newest first.')
    .option('--pipeline <name>', 'only those of one pipeline')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .addHelpText('after', example('perdura runs --pipeline flights --limit 5'))
    .action(when(async () => (await import('./commands/runs.ts')).runs));
  program
    .command('show')
    .summary('show one run and what its decisions rest on')
    .description('Shows one run: its steps, decisions with their findings, violations and artifacts.')
    .argument('<run>', 'business id, run id or its first letters, or a pipeline for its newest run')
    .addHelpText('after', example('perdura show flights'))
    .action(when(async () => (await import('./commands/show.ts')).show));
  program
    .command('models')
    .summary('list models with versions and aliases')
    .description('Lists models with their versions and aliases.')
    .argument('[model]', 'only this one, with every move of its aliases')
    .addHelpText('after', example('perdura models flights'))
    .action(when(async () => (await import('./commands/models.ts')).models));
  program
    .command('routes')
    .summary('list endpoints and who answers on them')
    .description('Lists endpoints with the versions that answer and their shares of traffic.')
    .argument('[endpoint]', 'only this one, with its earlier routes')
    .addHelpText('after', example('perdura routes flights'))
    .action(when(async () => (await import('./commands/routes.ts')).routes));
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
    .action(when(async () => (await import('./commands/audit-replay.ts')).auditReplay));
}

function defineProcesses(program: Command, when: When): void {
  program
    .command('serve')
    .summary('start a model server')
    .description('Starts a model server in the foreground.')
    .option('--port <number>', 'port of the REST interface (default: a free one)', portNumber)
    .addHelpText('after', example('perdura serve --port 8080'))
    .action(when(async () => (await import('./commands/serve.ts')).serve));
  program
    .command('worker')
    .summary('start a worker')
    .description('Starts a worker in the foreground.')
    .option('--queues <names>', 'task queues to work on: control, data, gpu', 'control,data,gpu')
    .addHelpText('after', example('perdura worker --queues data,gpu'))
    .action(when(async () => (await import('./commands/worker.ts')).worker));
}

function defineProject(program: Command, when: When): void {
  const data = program
    .command('data')
    .summary('put data into the bucket')
    .description('Puts data into the bucket.')
    .addHelpText('after', example('perdura data add flights data/2001-02.parquet'));
  data
    .command('add')
    .description('Puts files into the bucket as arrivals of a dataset.')
    .argument('<dataset>', 'name of the dataset')
    .argument('<files...>', 'Parquet, CSV or JSON lines')
    .addHelpText('after', example('perdura data add flights data/2001-02.parquet'))
    .action(when(async () => (await import('./commands/data-add.ts')).dataAdd));
  program
    .command('doctor')
    .summary('say what is wrong and what to do')
    .description(
      'Checks the machine, the services and the project; says what is wrong and what to do. Exits 1 if anything is.',
    )
    .addHelpText('after', example('perdura doctor'))
    .action(when(async () => (await import('./commands/doctor.ts')).doctor));
  program
    .command('init')
    .summary('write a small project')
    .description('Writes a small project: a pipeline with its features, schema, schedule, data and test.')
    .argument('<folder>', 'a new or empty folder')
    .option('--perdura <spec>', "what the project depends on (default: this version), such as 'file:../perdura.tgz'")
    .addHelpText('after', example('perdura init my-models'))
    .action(when(async () => (await import('./commands/init.ts')).init));
}

function example(text: string): string {
  return `\nExample:\n  $ ${text}`;
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Write a whole number from 1.');
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new InvalidArgumentError('Write a whole number from 1 to 65535.');
  return value;
}

/** The version in the package's own package.json; sources and built files lie at different depths. */
export function ownVersion(): string {
  const file = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return version;
}
