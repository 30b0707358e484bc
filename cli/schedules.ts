import { join } from 'node:path';

import {
  type Client,
  type ScheduleOptions,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
} from '@temporalio/client';
import { z } from 'zod';

import { taskQueue } from '../domain/config.ts';
import { type Duration, durationMs } from '../domain/duration.ts';
import { CodedError } from '../domain/errors.ts';
import { importModule } from '../project/bundle-module.ts';
import type { PipelineSource, Project } from '../project/load.ts';
import { readParameters, unknownParameters } from './parameters.ts';

/** When a pipeline runs by itself, and with which input: the export `schedule` of its schedule.ts. */
export type PipelineSchedule = ({ readonly cron: string } | { readonly every: Duration }) & {
  readonly input?: Readonly<Record<string, unknown>>;
};

/** A schedule that Temporal keeps. */
export type KeptSchedule = { readonly pipeline: string; readonly when: string };

const input = z.record(z.string(), z.unknown()).optional();
const scheduleSchema = z.union([
  z.strictObject({ cron: z.string().regex(/^\S+(?:\s+\S+){4,6}$/, 'cron must have five to seven fields'), input }),
  z.strictObject({ every: z.string().regex(/^\d+(?:\.\d+)? (?:seconds?|minutes?|hours?|days?)$/), input }),
]);

/**
 * Makes Temporal's Schedules those of the project: creates what is new, changes what differs, removes what a pipeline no longer has.
 * Schedules of other projects are left alone. A run that still goes on when the next is due is not joined by a second.
 *
 * @throws CodedError PROJECT_INVALID when a schedule.ts does not hold up.
 */
export async function keepSchedules(
  client: Client,
  project: Project,
  options: { readonly buildFolder: string },
): Promise<readonly KeptSchedule[]> {
  const kept: KeptSchedule[] = [];
  for (const pipeline of project.pipelines) {
    const schedule = await readSchedule(pipeline, options.buildFolder);
    if (schedule === null) await removeSchedule(client, pipeline);
    else {
      await writeSchedule(client, pipeline, schedule);
      kept.push({ pipeline: pipeline.name, when: 'cron' in schedule ? schedule.cron : `every ${schedule.every}` });
    }
  }
  return kept;
}

/**
 * A pipeline's schedule; null when it has none.
 *
 * @throws CodedError PROJECT_INVALID naming the file and what is wrong.
 */
export async function readSchedule(pipeline: PipelineSource, buildFolder: string): Promise<PipelineSchedule | null> {
  const file = pipeline.scheduleFile;
  if (file === null) return null;
  const { schedule } = (await importModule(file, join(buildFolder, pipeline.name))) as { readonly schedule?: unknown };
  const parsed = scheduleSchema.safeParse(schedule);
  if (parsed.success) {
    await checkScheduledInput(pipeline, parsed.data.input ?? {}, buildFolder);
    return parsed.data as PipelineSchedule;
  }
  throw new CodedError(
    'PROJECT_INVALID',
    `${file} must export 'schedule', for example { cron: '0 6 1 * *' } or { every: '1 day' }, each with an 'input' if need be.`,
    { details: { file, problems: z.prettifyError(parsed.error) } },
  );
}

/** No one watches a scheduled run begin: a parameter that it does not take is found when the schedule is made. */
async function checkScheduledInput(
  pipeline: PipelineSource,
  input: Readonly<Record<string, unknown>>,
  buildFolder: string,
): Promise<void> {
  const parameters = await readParameters(pipeline, buildFolder);
  const problem = parameters === null ? null : unknownParameters(pipeline, input, parameters);
  if (problem === null) return;
  const file = pipeline.scheduleFile;
  throw new CodedError('PROJECT_INVALID', `${file} has an 'input' that does not fit. ${problem}`, {
    details: { file },
  });
}

function scheduleId(pipeline: PipelineSource): string {
  return `schedule/${pipeline.name}`;
}

async function writeSchedule(client: Client, pipeline: PipelineSource, schedule: PipelineSchedule): Promise<void> {
  const wanted: ScheduleOptions = {
    scheduleId: scheduleId(pipeline),
    spec: specOf(schedule),
    // After a pause, one look at the newest data is enough: the runs that were missed would all see the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: pipeline.functionName,
      taskQueue: taskQueue('control'),
      workflowId: `${pipeline.name}/scheduled`,
      args: [schedule.input ?? {}],
      memo: { startedBy: 'schedule' },
    },
  };
  const handle = client.schedule.getHandle(wanted.scheduleId);
  try {
    // Keeps what a person has done to it, such as a pause.
    await handle.update((before) => ({
      ...wanted,
      state: before.state,
      action: { ...before.action, ...wanted.action },
    }));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await client.schedule.create(wanted);
  }
}

function specOf(schedule: PipelineSchedule): ScheduleSpec {
  return 'cron' in schedule
    ? { cronExpressions: [schedule.cron] }
    : { intervals: [{ every: durationMs(schedule.every) }] };
}

async function removeSchedule(client: Client, pipeline: PipelineSource): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId(pipeline)).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
