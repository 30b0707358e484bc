import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm, Route } from '../../domain/route.ts';
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
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
  const isFirst = champion !== undefined && !held.has(change.endpoint);
  // Before the call: one that is cancelled under way may have been carried out.
  if (isFirst) held.set(change.endpoint, champion.version);
  try {
    const route = await release.changeRoute({
      change: { ...wanted, changeId: stepKey(changeId), who: run.workflowId },
      holder: run.workflowId,
      done,
    });
    if (done) held.delete(change.endpoint);
    return route;
  } catch (error) {
    // A refused change, for example by ENDPOINT_BUSY, gave this run nothing to hold.
    if (isFirst && !isCancellation(error)) held.delete(change.endpoint);
    throw error;
  }
}

/**
 * Sends all traffic back to the champions of endpoints that the run still holds: what a run must not leave behind, however it ends.
 * Gives a sentence for each endpoint that could not be given back; the run's outcome must be recorded all the same.
 */
export async function giveEndpointsBack(why: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [endpoint, champion] of held) {
    try {
      await changeEndpoint({
        endpoint,
        changeId: 'give-back',
        arms: onlyChampion(champion),
        shadows: [],
        why,
        done: true,
      });
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : error;
      problems.push(
        `Endpoint '${endpoint}' could not be given back: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    }
  }
  return problems;
}

/** A route that sends everything to one version. */
export function onlyChampion(version: ModelReference): readonly Arm[] {
  return [{ name: 'champion', version, weight: 100 }];
}
