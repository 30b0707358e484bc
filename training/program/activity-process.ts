import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { ActivityTrainerFunction, ProgramJob, ProgramReport, ProgramReporter } from '../../domain/program-job.ts';

/*
 * Runs an author's own trainer, a function of the pipeline's activities.ts, by the contract of docs/reference/program-trainer.md. Arguments: the
 * built module and the function's name.
 */
const [, , activitiesFile = '', name = ''] = process.argv;

const reporter: ProgramReporter = {
  metric: (metric, step, value) => say({ perdura: 'metric', name: metric, step, value }),
  checkpoint: (step, file) => say({ perdura: 'checkpoint', step, file }),
  progress: (text) => say({ perdura: 'progress', text }),
};

try {
  const job: ProgramJob = JSON.parse(await readFile(process.env['PERDURA_JOB'] ?? '', 'utf8'));
  const loaded: Readonly<Record<string, unknown>> = await import(pathToFileURL(activitiesFile).href);
  const trainer = loaded[name];
  if (!isTrainer(trainer)) {
    const found = Object.keys(loaded).filter((key) => typeof loaded[key] === 'function');
    console.error(`activities.ts exports no function '${name}'. It exports: ${found.join(', ') || 'none'}.`);
    process.exit(1);
  }
  await trainer(job, reporter);
  process.exitCode ??= 0;
} catch (error) {
  console.error(error instanceof Error ? error.stack : String(error));
  process.exitCode = 1;
}

function isTrainer(value: unknown): value is ActivityTrainerFunction {
  return typeof value === 'function';
}

function say(report: ProgramReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
