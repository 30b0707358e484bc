import { randomUUID } from 'node:crypto';

import type { ChangeRequest } from '../../activities/release/contract.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { championBefore, type Registry } from '../../domain/registry.ts';
import type { Route } from '../../domain/route.ts';
import { CodedError } from '../../domain/errors.ts';
import { readConfig } from '../../project/config.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { findVersion, listModels, readRegistry, versionReference } from '../../stores/registry.ts';
import { readRoute } from '../../stores/routes.ts';
import { createEndpointClient } from '../../workers/endpoint-client.ts';
import { connectWithWorker } from '../connect-with-worker.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { modelNotFound } from '../models.ts';
import { withCleanup } from '../processes.ts';
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
export async function modelsRollback(
  { output, environment, folder }: Context,
  model: string,
  options: ModelsRollbackOptions,
): Promise<number> {
  const onStopping = () => output.progress('Stopping');
  return withCleanup({ exitCode: 130, onStopping }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const { client, addresses } = await connectWithWorker({ config, output, cleanup, ownWorker: true });
    const store = createS3ObjectStore(addresses.s3);
    cleanup.add(() => Promise.resolve(store.close()));
    const request = await planRollBack(store, model, { ...options, id: randomUUID() });
    const route = await createEndpointClient(client).change(request);
    const { from, to } = request.rollBack;
    const answer = { model, from, to: to.modelVersion, endpoint: route.endpoint, epoch: route.epoch };
    output.answer(answer, () =>
      [
        `Version ${answer.to} is the champion of ${model} again, version ${from} was.`,
        `Endpoint ${route.endpoint} sends everything to it since epoch ${route.epoch}.`,
      ].join('\n'),
    );
    return 0;
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
