import { CodedError } from '../domain/errors.ts';
import type { ModelReference } from '../domain/model-package.ts';
import type { Arm, Route } from '../domain/route.ts';
import type { LoadedModel } from './models/load-model.ts';
import type { Sessions } from './models/sessions.ts';

/** An arm with its model loaded. */
export type ServedArm = Arm & { readonly model: LoadedModel };

/**
 * A route whose models are all loaded. Requests and shadows that began on it hold it; its models are released when it is retired and
 * nobody holds it any more, so that a switch never takes a session from under a request.
 */
export type ActiveRoute = {
  readonly route: Route;
  readonly etag: string;
  readonly arms: readonly [ServedArm, ...ServedArm[]];
  readonly shadows: readonly LoadedModel[];
  hold(): void;
  letGo(): void;
  retire(): void;
};

/**
 * Loads all models of a route, or none.
 *
 * @throws CodedError PACKAGE_ALTERED, MODEL_INVALID, FEATURES_INVALID, SERVICE_UNAVAILABLE; INPUT_INVALID for a route without arms.
 */
export async function activateRoute(
  sessions: Sessions,
  found: { readonly route: Route; readonly etag: string },
): Promise<ActiveRoute> {
  const { route, etag } = found;
  const references = [...route.arms.map((arm) => arm.version), ...route.shadows];
  const models = await acquireAll(sessions, references);
  const [first, ...others] = route.arms.flatMap((arm, index) => {
    const model = models[index];
    return model === undefined ? [] : [{ ...arm, model }];
  });
  if (first === undefined) {
    throw new CodedError(
      'INPUT_INVALID',
      `Route ${route.endpoint} epoch ${route.epoch} has no arms. Write a route with at least a champion.`,
    );
  }
  const holders = countHolders(() => {
    // A session that cannot be freed costs memory; it must not cost an answer.
    for (const reference of references) sessions.release(reference).catch(console.error);
  });
  return { route, etag, arms: [first, ...others], shadows: models.slice(route.arms.length), ...holders };
}

async function acquireAll(sessions: Sessions, references: readonly ModelReference[]): Promise<LoadedModel[]> {
  const results = await Promise.allSettled(references.map((reference) => sessions.acquire(reference)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  for (const result of results) {
    if (result.status === 'fulfilled') await sessions.release(result.value.reference);
  }
  throw failed.reason;
}

function countHolders(whenFree: () => void): Pick<ActiveRoute, 'hold' | 'letGo' | 'retire'> {
  let holders = 1;
  const letGo = (): void => {
    holders -= 1;
    if (holders === 0) whenFree();
  };
  let retired = false;
  return {
    hold: () => void (holders += 1),
    letGo,
    retire() {
      if (retired) return;
      retired = true;
      letGo();
    },
  };
}
