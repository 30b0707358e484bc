import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { logLoss } from '../../domain/statistics/log-loss.ts';
import { addValue, type Moments, noMoments } from '../../domain/statistics/moments.ts';
import { type Stratum, stratifiedDifference } from '../../domain/statistics/stratified-difference.ts';
import type { Tables } from '../../stores/tables.ts';
import { sequentialBounds } from './sequential-bounds.ts';

/**
 * Log loss of a canary's labelled live answers: the challenger's own mean, or challenger less champion compared within epochs.
 * `n` are the challenger's labelled answers that count.
 */
export async function measureCanaryLoss(tables: Tables, guardrail: Guardrail): Promise<Measurement> {
  const { metric } = guardrail;
  const epochs = await lossesByEpoch(tables);
  if (guardrail.rule !== 'nonInferior') {
    const n = total(epochs, 'challenger');
    const sum = epochs.reduce((all, { challenger }) => all + challenger.mean * challenger.n, 0);
    return { metric, value: n === 0 ? null : sum / n, n };
  }
  const shared = epochs.filter(({ challenger, champion }) => challenger.n > 0 && champion.n > 0);
  const n = total(shared, 'challenger');
  const difference = stratifiedDifference(shared);
  if (difference === null) return { metric, value: null, n, lower: null, upper: null };
  const bounds = sequentialBounds(guardrail, {
    value: difference.difference,
    standardError: difference.standardError,
    observations: difference.observations,
    smallestSample: Math.min(n, total(shared, 'champion')),
  });
  return { metric, value: difference.difference, n, ...bounds };
}

async function lossesByEpoch(tables: Tables): Promise<readonly Stratum[]> {
  const moments = new Map<number, Record<keyof Stratum, Moments>>();
  const sql = `SELECT epoch, challenger, output, label FROM live JOIN labels USING (requestId)
    WHERE status < 500 AND output IS NOT NULL ORDER BY "at", requestId`;
  for await (const [epochs = [], arms = [], outputs = [], labels = []] of tables.columnChunks(sql)) {
    for (const [row, label] of labels.entries()) {
      const epoch = Number(epochs[row]);
      const both = moments.get(epoch) ?? { challenger: noMoments, champion: noMoments };
      const arm = arms[row] === true ? 'challenger' : 'champion';
      both[arm] = addValue(both[arm], logLoss(Number(outputs[row]), Number(label)));
      moments.set(epoch, both);
    }
  }
  return [...moments.values()];
}

function total(epochs: readonly Stratum[], arm: keyof Stratum): number {
  return epochs.reduce((sum, epoch) => sum + epoch[arm].n, 0);
}
