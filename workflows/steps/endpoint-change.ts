import type { ReleaseEnd } from '../../activities/release/contract.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm, Route } from '../../domain/route.ts';
import { ActivityFailure, CancellationScope } from '@temporalio/workflow';
import { release } from '../activities.ts';
import { stepKey, thisRun } from '../run-progress.ts';

export type EndpointChange = {
  readonly endpoint: string;
  /** Names this change within the run. */
  readonly changeId: string;
  /** The champion that the run knows; null: the endpoint serves none yet. */
  readonly expects: ModelReference | null;
  readonly arms: readonly Arm[];
  readonly shadows: readonly ModelReference[];
  readonly why: string;
  /** Whether the release gives the endpoint back with this change. */
  readonly done: boolean;
  /** The promotion that the change follows. */
  readonly promotion?: ReleaseEnd;
};

/** Endpoints that this run has changed and not given back, with the champion to go back to. */
const held = new Map<string, ModelReference>();

/** Changes that are asked for and not answered yet. */
const underWay = new Set<Promise<unknown>>();

/** Set when the run ends: a canary that still climbs beside a step that failed must change nothing any more. */
let ending = false;

/** Asks the endpoint's workflow for a route, on behalf of this run. A run that is ending waits here for ever: an error could reach no one. */
export async function changeEndpoint(change: EndpointChange): Promise<Route> {
  return ending ? new Promise<never>(() => undefined) : ask(change);
}

async function ask(change: EndpointChange): Promise<Route> {
  const { done, changeId, expects, promotion, ...wanted } = change;
  const run = thisRun();
  const champion = change.arms.find((arm) => arm.name === 'champion');
  const isFirst = champion !== undefined && !held.has(change.endpoint);
  if (isFirst) held.set(change.endpoint, champion.version);
  // A cancelled run waits for its answer too: only a change that is known to be written can be taken back.
  const answer = CancellationScope.nonCancellable(() =>
    release.changeRoute({
      change: { ...wanted, changeId: stepKey(changeId), who: run.workflowId },
      holder: run.workflowId,
      expects,
      done,
      ...(promotion === undefined ? {} : { promotion }),
    }),
  );
  underWay.add(answer);
  try {
    const route = await answer;
    if (done) held.delete(change.endpoint);
    return route;
  } catch (error) {
    // A refused change, for example by ENDPOINT_BUSY, gave this run nothing to hold.
    if (isFirst) held.delete(change.endpoint);
    throw error;
  } finally {
    underWay.delete(answer);
  }
}

/**
 * Sends all traffic back to the champions of endpoints that the run still holds: what a run must not leave behind, however it ends.
 * Gives a sentence for each endpoint that could not be given back; the run's outcome must be recorded all the same.
 */
export async function giveEndpointsBack(why: string): Promise<readonly string[]> {
  ending = true;
  await Promise.allSettled(underWay);
  const problems: string[] = [];
  for (const [endpoint, champion] of held) {
    try {
      await ask({
        endpoint,
        changeId: 'give-back',
        expects: champion,
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
