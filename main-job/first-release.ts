import { taskQueue } from '../domain/config.ts';
import { readRegistry } from '../stores/registry.ts';
import { monthArrives } from './arrivals.ts';
import { type Scene, model, pipeline } from './scene.ts';
import { watchRun } from './watch-run.ts';

/** January arrives and becomes the first champion. A job that finds a champion from an earlier one goes on from there. */
export async function firstRelease(scene: Scene): Promise<void> {
  const champion = (await readRegistry(scene.store, model))?.aliases.champion;
  if (champion !== undefined) {
    scene.say(`  version ${champion} is champion since an earlier job; --fresh would begin anew`);
    return;
  }
  const data = await monthArrives(scene, '2001-01');
  const handle = await scene.client.workflow.start(pipeline, {
    taskQueue: taskQueue('control'),
    workflowId: 'flights/2001-01',
    args: [{ data }],
    memo: { startedBy: 'person' },
  });
  await watchRun(scene, 'January', 'person', handle);
}
