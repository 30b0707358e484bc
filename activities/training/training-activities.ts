import type { TrainingActivities } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { measureOffline } from '../evaluation/measure-offline.ts';
import { placeTraining } from './place-training.ts';
import { registerModel } from './register-model.ts';
import { trainModel } from './train-model.ts';

/** Training, registration and offline scoring. */
export function trainingActivities(dependencies: TrainingDependencies): TrainingActivities {
  const { store } = dependencies;
  return {
    trainModel: (request) => trainModel(dependencies, request),
    placeTraining: (request) => placeTraining(dependencies, request),
    registerModel: (request) => registerModel(dependencies, request),

    async readAlias({ model, alias }) {
      const registry = await readRegistry(store, model);
      const modelVersion = registry?.aliases[alias];
      return registry === null || modelVersion === undefined ? null : versionReference(registry, modelVersion);
    },

    measureOffline: (request) => measureOffline(dependencies, request),
  };
}
