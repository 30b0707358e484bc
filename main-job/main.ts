import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CodedError } from '../domain/errors.ts';
import { toFailure } from '../domain/failure.ts';
import { readConfig } from '../project/config.ts';
import { embedsS3, embedsTemporal } from '../services/addresses.ts';
import { findServices } from '../services/find.ts';
import { runJob } from './job.ts';
import { shortfallsOf, summaryText } from './summary.ts';

const usage = `npm start -- [--json] [--fresh] [--verbose]

The whole life of a model on three million real flights: first release, challenger under live traffic, a broken batch,
drift, retraining, audit.

  --json     print the facts as one JSON document on stdout, progress on stderr
  --fresh    begin anew: remove the state of earlier jobs (.perdura) first
  --verbose  show stack traces`;

const { values, problem } = readFlags();
if (problem !== null || values.help === true) {
  console.error(problem === null ? usage : `${problem}\n\n${usage}`);
  process.exit(problem === null ? 0 : 2);
}

try {
  const config = readConfig(process.env, process.cwd());
  if (values.fresh === true) {
    const embedded = embedsTemporal(config) || embedsS3(config);
    if (embedded && (await findServices(config)) !== null) {
      throw new CodedError(
        'CONFLICT',
        `Services run on ${config.homeFolder}. Stop 'perdura dev' or the other job first.`,
      );
    }
    await rm(config.homeFolder, { recursive: true, force: true });
  }
  const say = (line: string) => void (values.json === true ? process.stderr : process.stdout).write(`${line}\n`);
  const summary = await runJob(config, say);
  process.stdout.write(`${values.json === true ? JSON.stringify(summary, null, 2) : `\n${summaryText(summary)}`}\n`);
  const shortfalls = shortfallsOf(summary);
  for (const shortfall of shortfalls) process.stderr.write(`not as it should be: ${shortfall}\n`);
  process.exitCode = shortfalls.length === 0 ? 0 : 1;
} catch (error) {
  const failure = toFailure(error);
  if (values.json === true) process.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`);
  process.stderr.write(`${failure.code}: ${failure.message}\n${failure.remedy}\n`);
  if (values.verbose === true) console.error(error);
  process.exitCode = 1;
}

// All that the job started has ended; what a library still has in mind is nothing to wait for.
process.stdout.write('', () => process.exit());

function readFlags() {
  const flag = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({ options: { json: flag, fresh: flag, verbose: flag, help: flag } });
    return { values, problem: null };
  } catch (error) {
    return {
      values: {} as { json?: boolean; fresh?: boolean; verbose?: boolean; help?: boolean },
      problem: error instanceof Error ? error.message : String(error),
    };
  }
}
