import type { Decision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Route } from '../../domain/route.ts';
import { ApplicationFailure } from '@temporalio/workflow';
import { release } from '../activities.ts';

/** How a stage under live traffic ended; goes on to `promote` or `reject`. */
export type Stage = Decision & { readonly endpoint: string; readonly champion: ModelReference };

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
