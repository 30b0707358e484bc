import type { ChangeRequest } from '../activities/release/contract.ts';
import type { ModelReference } from '../domain/model-package.ts';
import type { Route } from '../domain/route.ts';
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { promoting, release } from './activities.ts';

/** Asks for a route change. */
export const changeUpdate = defineUpdate<Route, [ChangeRequest]>('change');

/** What an endpoint remembers between its lives; the route itself lives in the bucket. */
export type EndpointState = { readonly holder: string | null };

/**
 * Owns one endpoint's route (`endpoint/<name>`): all changes come through here, one after the other, and while one release holds the endpoint
 * every other is refused. A holder that has ended without giving the endpoint back loses it to the next.
 */
export async function endpoint(name: string, state: EndpointState = { holder: null }): Promise<void> {
  let holder = state.holder;
  let last: Promise<unknown> = Promise.resolve();

  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };

  setHandler(changeUpdate, (request) =>
    inTurn(async () => {
      if (holder !== null && holder !== request.holder && (await release.isOpen(holder))) throw busy(name, holder);
      const current = await release.readRoute({ endpoint: name });
      refuseStale(current, request);
      if (request.promotion !== undefined) await promoting.promoteVersion(request.promotion);
      if (request.rollBack !== undefined) await promoting.rollBackVersion(request.rollBack);
      const route = await release.writeRoute({ change: request.change, expectedEpoch: current?.epoch ?? 0 });
      holder = request.done ? null : request.holder;
      return route;
    }),
  );

  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof endpoint>(name, { holder });
}

/**
 * A release judged its challenger against the champion that served then: against another one its decision says nothing. And a person who
 * has sent all traffic to the challenger is not overruled by a release that happens to start.
 */
function refuseStale(current: Route | null, request: ChangeRequest): void {
  const { change, expects, onlyAtEpoch } = request;
  if (current?.changeId === change.changeId) return;
  const champion = current?.arms.find((arm) => arm.name === 'champion') ?? null;
  const serving = champion?.version ?? null;
  if (serving?.packageDigest !== expects?.packageDigest || serving?.modelVersion !== expects?.modelVersion) {
    const says = (version: ModelReference | null) => (version === null ? 'none' : `version ${version.modelVersion}`);
    throw conflict(
      `The champion of endpoint '${change.endpoint}' is ${says(serving)} by now, the release was judged against ${says(expects)}. Run the pipeline again.`,
    );
  }
  if (onlyAtEpoch !== undefined && current?.epoch !== onlyAtEpoch)
    throw conflict(
      `The route of endpoint '${change.endpoint}' is at epoch ${current?.epoch ?? 0} by now, not ${onlyAtEpoch}. Look at it with 'perdura routes ${change.endpoint}' and decide anew.`,
    );
  const outright = onlyAtEpoch !== undefined || request.promotion !== undefined || request.rollBack !== undefined;
  if (champion?.weight === 0 && !outright)
    throw conflict(
      `The challenger answers on endpoint '${change.endpoint}' because someone switched to it. Promote it, or switch back with 'perdura routes switch ${change.endpoint} --to champion'.`,
    );
}

function conflict(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'CONFLICT', nonRetryable: true, message });
}

function busy(name: string, holder: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'ENDPOINT_BUSY',
    nonRetryable: true,
    message: `Endpoint '${name}' is held by ${holder}. Wait until that release ends, or end it with 'temporal workflow terminate --workflow-id ${holder}'.`,
  });
}
