import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { type MetricRules, requireMeasurable } from '../../domain/metric-rules.ts';
import { logLoss } from '../../domain/statistics/log-loss.ts';
import { meanEstimate, momentsOf } from '../../domain/statistics/moments.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import type { Tables, TablesOptions } from '../../stores/tables.ts';
import type { TrafficRequest } from './contract.ts';
import { sequentialBounds } from './sequential-bounds.ts';
import { column, count, isVersion, openTraffic, type TrafficFiles } from './traffic-tables.ts';

/** What can be measured on a shadow. */
export const shadowMetrics: MetricRules = {
  requests: ['atLeast'],
  errors: ['atMost'],
  latencyP99: ['atMost'],
  logLoss: ['atMost', 'nonInferior'],
  agreement: ['atMost'],
};

/**
 * Measures a shadow for each guardrail, in their order, on pairs of the champion's live answer and the challenger's shadow
 * answer to the same request:
 * - `requests`: pairs; a status of 500 or above makes none;
 * - `errors`: share of shadow answers with a status of 500 or above;
 * - `latencyP99`: of the shadow answers, in milliseconds;
 * - `logLoss`: over pairs whose label is known; `nonInferior` gets challenger less champion with a confidence sequence, because
 *   a shadow is looked at repeatedly;
 * - `agreement`: mean |challenger's probability - champion's|.
 *
 * @throws CodedError INPUT_INVALID for a metric or rule that a shadow does not have.
 */
export async function measureShadowFiles(
  request: TrafficRequest,
  files: TrafficFiles,
  options: TablesOptions = {},
): Promise<readonly Measurement[]> {
  requireMeasurable('A shadow', shadowMetrics, request.guardrails);
  const tables = await openTraffic(files, { ...request, versions: [request.champion, request.challenger] }, options);
  try {
    await tables.all(`CREATE VIEW mirrored AS SELECT * FROM answers WHERE shadow AND ${isVersion(request.challenger)}`);
    await tables.all(`CREATE VIEW pairs AS SELECT mirrored.output AS challenger, live.output AS champion, label
      FROM mirrored JOIN answers live ON live.requestId = mirrored.requestId AND NOT live.shadow
        AND ${isVersion(request.champion, 'live')} AND mirrored.status < 500 AND live.status < 500
      LEFT JOIN labels ON labels.requestId = mirrored.requestId`);
    const measurements: Measurement[] = [];
    for (const guardrail of request.guardrails) measurements.push(await measure(tables, guardrail));
    return measurements;
  } finally {
    tables.close();
  }
}

async function measure(tables: Tables, guardrail: Guardrail): Promise<Measurement> {
  const { metric } = guardrail;
  switch (metric) {
    case 'requests': {
      const n = await count(tables, 'SELECT count(*) FROM pairs');
      return { metric, value: n, n, unit: 'rows' };
    }
    case 'errors': {
      const n = await count(tables, 'SELECT count(*) FROM mirrored');
      const failed = await count(tables, 'SELECT count(*) FROM mirrored WHERE status >= 500');
      return { metric, value: n === 0 ? null : failed / n, n, unit: 'share' };
    }
    case 'latencyP99': {
      const latencies = await column(tables, 'SELECT latencyMs FROM mirrored WHERE status < 500');
      return { metric, value: quantile(latencies, 0.99), n: latencies.length, unit: 'ms' };
    }
    case 'agreement': {
      const differences = momentsOf(await column(tables, 'SELECT abs(challenger - champion) FROM pairs'));
      return { metric, value: differences.n === 0 ? null : differences.mean, n: differences.n };
    }
    default:
      return measureLoss(tables, guardrail);
  }
}

async function measureLoss(tables: Tables, guardrail: Guardrail): Promise<Measurement> {
  const { metric } = guardrail;
  const known = 'FROM pairs WHERE label IS NOT NULL AND challenger IS NOT NULL AND champion IS NOT NULL';
  const own: number[] = [];
  const differences: number[] = [];
  for await (const [challenger = [], champion = [], labels = []] of tables.columnChunks(
    `SELECT challenger, champion, label ${known}`,
  )) {
    for (const [row, label] of labels.entries()) {
      const loss = logLoss(Number(challenger[row]), Number(label));
      own.push(loss);
      differences.push(loss - logLoss(Number(champion[row]), Number(label)));
    }
  }
  const n = own.length;
  if (guardrail.rule !== 'nonInferior') return { metric, value: n === 0 ? null : momentsOf(own).mean, n };
  const estimate = meanEstimate(momentsOf(differences));
  if (estimate === null) return { metric, value: null, n, lower: null, upper: null };
  const bounds = sequentialBounds(guardrail, { ...estimate, observations: n, smallestSample: n });
  return { metric, value: estimate.value, n, ...bounds };
}
