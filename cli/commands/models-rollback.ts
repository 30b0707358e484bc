import type { ChangeRequest } from '../../activities/release/contract.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { championBefore, type Registry } from '../../domain/registry.ts';
import type { Route } from '../../domain/route.ts';
import { CodedError } from '../../domain/errors.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { findVersion, listModels, readRegistry, versionReference } from '../../stores/registry.ts';
import { readRoute } from '../../stores/routes.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { modelNotFound } from '../models.ts';
import { changingRoute } from '../route-change.ts';
import { signed } from '../snapshots.ts';

export type ModelsRollbackOptions = {
  readonly why: string;
  readonly to?: string;
  readonly endpoint?: string;
  readonly who?: string;
};

/**
 * `perdura models rollback`: champion and route go back together, in one turn of the endpoint's workflow. Of two that run at once the second
 * is told that the champion has moved, instead of going back by one more.
 */
export function modelsRollback(context: Context, model: string, options: ModelsRollbackOptions): Promise<number> {
  return changingRoute(context, {
    plan: ({ store, id }) => planRollBack(store, model, { ...options, id }),
    facts: ({ endpoint, epoch }, { rollBack }) => ({
      model,
      from: rollBack.from,
      to: rollBack.to.modelVersion,
      endpoint,
      epoch,
    }),
    text: ({ endpoint, epoch }, { rollBack }) =>
      [
        `Version ${rollBack.to.modelVersion} is the champion of ${model} again, version ${rollBack.from} was.`,
        `Endpoint ${endpoint} sends everything to it since epoch ${epoch}.`,
      ].join('\n'),
  });
}

/**
 * What a roll back asks of the endpoint's workflow, from what stands now.
 *
 * @throws CodedError NOT_FOUND for an unknown model, version or endpoint; INPUT_INVALID when there is nothing to go back to.
 */
export async function planRollBack(
  store: ObjectStore,
  model: string,
  options: ModelsRollbackOptions & { readonly id: string },
): Promise<ChangeRequest & Required<Pick<ChangeRequest, 'rollBack'>>> {
  const registry = await readRegistry(store, model);
  if (registry === null) throw modelNotFound(model, await listModels(store));
  const { from, to } = versions(registry, options.to);
  const endpoint = options.endpoint ?? model;
  const serving = servingArm(model, endpoint, (await readRoute(store, endpoint))?.route ?? null);
  const { who, why } = {
    ...signed(options.why, 'rollback'),
    ...(options.who === undefined ? {} : { who: options.who }),
  };
  const changeId = `rollback/${model}/${options.id}`;
  return {
    change: {
      endpoint,
      changeId,
      arms: [{ name: 'champion', version: to, weight: 100 }],
      shadows: [],
      who,
      why: `roll back from version ${from} to version ${to.modelVersion}: ${why}`,
    },
    holder: changeId,
    expects: serving,
    done: true,
    rollBack: { to, from, moveId: changeId, who, why },
  };
}

function versions(
  registry: Registry,
  asked: string | undefined,
): { readonly from: string; readonly to: ModelReference } {
  const { model, aliases } = registry;
  const from = aliases.champion;
  if (from === undefined)
    throw usageError('INPUT_INVALID', `Model '${model}' has no champion that could be gone back from.`);
  const modelVersion = asked ?? championBefore(registry);
  if (modelVersion === null)
    throw usageError(
      'INPUT_INVALID',
      `Version ${from} is the first champion of '${model}': there is none before it. Name a version with --to.`,
    );
  const { status, reason } = findVersion(registry, modelVersion);
  if (modelVersion === from)
    throw usageError('INPUT_INVALID', `Version ${from} of '${model}' is the champion already. Name another with --to.`);
  if (status !== 'ready')
    throw usageError(
      'INPUT_INVALID',
      `Version ${modelVersion} of '${model}' is ${status}${reason === null ? '' : ` (${reason})`}. Name one that is ready.`,
    );
  return { from, to: versionReference(registry, modelVersion) };
}

function servingArm(model: string, endpoint: string, route: Route | null): ModelReference {
  const champion = route?.arms.find((arm) => arm.name === 'champion')?.version;
  if (champion?.model === model) return champion;
  const serves = champion === undefined ? 'has no route' : `serves model '${champion.model}'`;
  throw new CodedError(
    champion === undefined ? 'NOT_FOUND' : 'INPUT_INVALID',
    `Endpoint '${endpoint}' ${serves}. Name the endpoint that serves '${model}' with --endpoint; see 'perdura routes'.`,
    { details: { endpoint } },
  );
}
