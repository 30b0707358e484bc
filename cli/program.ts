import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import { defineData } from './program/data.ts';
import { example, lazily, type ProgramOptions } from './program/define.ts';
import { defineExport } from './program/export.ts';
import { defineFeatures } from './program/features.ts';
import { defineLog } from './program/log.ts';
import { defineProcesses } from './program/processes.ts';
import { defineProject } from './program/project.ts';
import { defineReading } from './program/reading.ts';
import { defineReviews } from './program/reviews.ts';
import { defineRunning } from './program/running.ts';
import { defineSnapshots } from './program/snapshots.ts';

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
  defineData(program, when);
  defineSnapshots(program, when);
  defineFeatures(program, when);
  defineLog(program, when);
  defineReviews(program, when);
  defineExport(program, when);
  defineProject(program, when);
  return program;
}

/** The version in the package's own package.json; sources and built files lie at different depths. */
export function ownVersion(): string {
  const file = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return version;
}
