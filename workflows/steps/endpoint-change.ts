import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm, Route } from '../../domain/route.ts';
import { release } from '../activities.ts';
import { stepKey, thisRun } from '../run-progress.ts';

export type EndpointChange = {
  readonly endpoint: string;
  /** Names this change within the run. */
  readonly changeId: string;
  readonly arms: readonly Arm[];
  readonly shadows: readonly ModelReference[];
  readonly why: string;
  /** Whether the release gives the endpoint back with this change. */
  readonly done: boolean;
};

/** Endpoints that this run has changed and not given back, with the champion to go back to. */
const held = new Map<string, ModelReference>();

/** Asks the endpoint's workflow for a route, on behalf of this run. */
export async function changeEndpoint(change: EndpointChange): Promise<Route> {
  const { done, changeId, ...wanted } = change;
  const run = thisRun();
  const champion = change.arms.find((arm) => arm.name === 'champion');
  if (champion !== undefined && !held.has(change.endpoint)) held.set(change.endpoint, champion.version);
  const route = await release.changeRoute({
    change: { ...wanted, changeId: stepKey(changeId), who: run.workflowId },
    holder: run.workflowId,
    done,
  });
  if (done) held.delete(change.endpoint);
  return route;
}

/** Sends all traffic back to the champions of endpoints that the run still holds: what a run that fails or is cancelled must not leave behind. */
export async function giveEndpointsBack(why: string): Promise<void> {
  for (const [endpoint, champion] of [...held]) {
    await changeEndpoint({
      endpoint,
      changeId: 'give-back',
      arms: onlyChampion(champion),
      shadows: [],
      why,
      done: true,
    });
  }
}

/** A route that sends everything to one version. */
export function onlyChampion(version: ModelReference): readonly Arm[] {
  return [{ name: 'champion', version, weight: 100 }];
}
