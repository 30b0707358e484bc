import type { DriftStatistic } from '../../domain/expectation.ts';

/** Whether a statistic is about values that stand in an order: it says nothing of text. */
export function needsOrder(statistic: DriftStatistic): boolean {
  return statistic === 'ks' || statistic === 'wasserstein';
}

/** Why it is not for a column of this type, and what is. */
export function orderText(statistic: DriftStatistic, type: string): string {
  return `${statistic} needs values in an order, and those of type ${type} have none; psi, chiSquare, jensenShannon and lInfinity need none`;
}
