import { ScheduleOverlapPolicy, type WorkflowHandle } from '@temporalio/client';
import { keepSchedules } from '../cli/schedules.ts';
import { loadProject } from '../project/load.ts';
import { readRoute } from '../stores/routes.ts';
import { buildFolderOf } from '../workers/run-worker.ts';
import { monthArrives } from './arrivals.ts';
import type { TrafficProcess } from './traffic-process.ts';
import { type Scene, endpoint, pipeline } from './scene.ts';
import { startMonths } from './live-traffic.ts';
import { until, watchRun } from './watch-run.ts';

/** The project's own schedule is due on the first of March 2001 at six. */
const due = { start: new Date('2001-03-01T00:00:00Z'), end: new Date('2001-03-02T00:00:00Z') };
const scheduledId = `${pipeline}/scheduled-2001-03-01T06:00:00Z`;

/**
 * February arrives and the project's Schedule starts the pipeline: as of 2001-03-01, by Temporal's backfill, because the data is of that year.
 * The flights of March are the live traffic of its shadow and canary: March begins when the challenger is mirrored, one flight in 25, so that
 * the shadow's evidence spans days and not hours.
 */
export async function scheduledRelease(scene: Scene): Promise<void> {
  await monthArrives(scene, '2001-02');
  const project = await loadProject(scene.config.projectFolder);
  await keepSchedules(scene.client, project, { buildFolder: buildFolderOf(scene.config.homeFolder) });
  const before = await runIdOf(scene);
  await scene.client.schedule
    .getHandle(`schedule/${pipeline}`)
    .backfill({ ...due, overlap: ScheduleOverlapPolicy.ALLOW_ALL });
  await until('the schedule to start its run', async () => {
    const now = await runIdOf(scene);
    return now !== null && now !== before;
  });
  const run = scene.client.workflow.getHandle(scheduledId);
  const [traffic] = await Promise.all([whenMirrored(scene, run), watchRun(scene, 'February', 'schedule', run)]);
  await traffic?.stop();
}

async function whenMirrored(scene: Scene, run: WorkflowHandle): Promise<TrafficProcess | null> {
  const how = await until('the shadow to begin', () => mirroredOrOver(scene, run), 600_000);
  return how === 'mirrored' ? startMonths(scene, [{ month: '2001-03', oneIn: 25 }]) : null;
}

/** A challenger that the gate refuses never gets to live traffic. */
async function mirroredOrOver(scene: Scene, run: WorkflowHandle): Promise<'mirrored' | 'over' | null> {
  const current = await readRoute(scene.store, endpoint);
  if ((current?.route.shadows.length ?? 0) > 0) return 'mirrored';
  return (await run.describe()).status.name === 'RUNNING' ? null : 'over';
}

async function runIdOf(scene: Scene): Promise<string | null> {
  return scene.client.workflow
    .getHandle(scheduledId)
    .describe()
    .then(
      (description) => description.runId,
      (error: Error) => {
        if (error.name === 'WorkflowNotFoundError') return null;
        throw error;
      },
    );
}
