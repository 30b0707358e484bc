import { proposeTrial } from '../../domain/search/propose.ts';
import { writeSearchRecord } from '../../stores/search-records.ts';
import type { SearchActivities } from './contract.ts';
import type { SearchDependencies } from './dependencies.ts';
import { scoreTrial } from './score-trial.ts';

/** Proposals, scores and prices of a search. */
export function searchActivities(dependencies: SearchDependencies): SearchActivities {
  return {
    proposeTrial: (request) => Promise.resolve(proposeTrial(request)),
    scoreTrial: (request) => scoreTrial(dependencies, request),
    keepSearch: (record) => writeSearchRecord(dependencies.store, record),
    async readDearestPrice() {
      const prices = await dependencies.prices();
      if (prices === null) return null;
      const device = Math.max(0, ...Object.values(prices.gpuHour));
      return { currency: prices.currency, hour: prices.cpuHour * dependencies.cores + device };
    },
  };
}
