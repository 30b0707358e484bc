import type { ChangeRequest } from '../activities/release/contract.ts';
import type { Route, RouteChange } from '../domain/route.ts';
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { release } from './activities.ts';

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
      if (request.promotion !== undefined) await release.promoteVersion(request.promotion);
      const route = await write(request.change);
      holder = request.done ? null : request.holder;
      return route;
    }),
  );

  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof endpoint>(name, { holder });
}

async function write(change: RouteChange): Promise<Route> {
  const current = await release.readRoute({ endpoint: change.endpoint });
  return release.writeRoute({ change, expectedEpoch: current?.epoch ?? 0 });
}

function busy(name: string, holder: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'ENDPOINT_BUSY',
    nonRetryable: true,
    message: `Endpoint '${name}' is held by ${holder}. Wait until that release ends, or end it with 'temporal workflow terminate --workflow-id ${holder}'.`,
  });
}
