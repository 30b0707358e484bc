import type { ReleaseDecision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Route } from '../../domain/route.ts';
import { type Duration, durationMs } from '../../domain/duration.ts';
import { CodedError } from '../../domain/errors.ts';
import { ApplicationFailure } from '@temporalio/workflow';
import { release } from '../activities.ts';

/** How a stage under live traffic ended; goes on to `promote` or `reject`. */
export type Stage = ReleaseDecision & { readonly endpoint: string; readonly champion: ModelReference };

/**
 * The version that answers on an endpoint now: what a stage under live traffic protects.
 *
 * @throws ApplicationFailure NOT_FOUND when the endpoint serves nothing yet.
 */
export async function servingChampion(
  endpoint: string,
): Promise<{ readonly route: Route; readonly champion: ModelReference }> {
  const route = await release.readRoute({ endpoint });
  const champion = route?.arms.find((arm) => arm.name === 'champion');
  if (route === null || champion === undefined) {
    throw ApplicationFailure.create({
      type: 'NOT_FOUND',
      nonRetryable: true,
      message: `Endpoint '${endpoint}' serves no champion, so there is no live traffic to judge by. Promote a first version before shadow or canary.`,
    });
  }
  return { route, champion: champion.version };
}

/**
 * How long a stage waits before its next look: as stated at first, later a fiftieth of what has passed. So a stage of a day takes some hundred
 * looks more than one of an hour, and its history stays far below Temporal's limit of 51,200 events.
 */
export function pauseMs(checkEvery: Duration, elapsedMs: number): number {
  return Math.max(durationMs(checkEvery), Math.round(elapsedMs / 50));
}

/** @throws CodedError INPUT_INVALID: a stage that needs no request would pass on silence. */
export function requireRequests(requests: number): void {
  if (Number.isInteger(requests) && requests >= 1) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A stage needs at least 1 request to judge by, not ${requests}. Correct 'requests'.`,
  );
}
