import type { DataActivities } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { createSnapshot } from './create-snapshot.ts';
import { splitByChance } from './split-by-chance.ts';
import { splitByTime } from './split-by-time.ts';
import { validateData } from '../gate/validate-data.ts';

/** The data activities over a store; all of them may be repeated at any time and then give the same result. */
export function dataActivities(dependencies: DataDependencies): DataActivities {
  return {
    createSnapshot: (request) => createSnapshot(dependencies, request),
    validateData: (request) => validateData(dependencies, request),
    splitByTime: (request) => splitByTime(dependencies, request),
    splitByChance: (request) => splitByChance(dependencies, request),
  };
}
