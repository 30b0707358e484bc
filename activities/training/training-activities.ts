import type { TrainingActivities } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { downloadPackage } from '../../stores/packages.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { scoreRows } from '../../training/score.ts';
import { openSlice } from '../../stores/slices.ts';
import { measureScores } from './measure-offline.ts';
import { registerModel } from './register-model.ts';
import { trainModel } from './train-model.ts';

/** Training, registration and offline scoring. */
export function trainingActivities(dependencies: TrainingDependencies): TrainingActivities {
  const { store, packagesFolder } = dependencies;
  return {
    trainModel: (request) => trainModel(dependencies, request),
    registerModel: (request) => registerModel(dependencies, request),

    async readAlias({ model, alias }) {
      const registry = await readRegistry(store, model);
      const modelVersion = registry?.aliases[alias];
      return registry === null || modelVersion === undefined ? null : versionReference(registry, modelVersion);
    },

    async measureOffline({ challenger, champion, on, guardrails }) {
      const beat = dependencies.beat();
      const slice = await openSlice(dependencies, on);
      const score = async (version: typeof challenger) =>
        scoreRows({
          ...slice,
          dataset: on.snapshot.dataset,
          workFolder: dependencies.workFolder,
          packageFolder: await downloadPackage(store, version, packagesFolder),
          signal: beat.signal,
          onRows: (rows) => beat.note(`${version.model} version ${version.modelVersion}: ${rows} rows scored`),
        });
      const ours = await score(challenger);
      const theirs = champion === null ? null : await score(champion);
      return measureScores({ guardrails, challenger: ours, champion: theirs });
    },
  };
}
