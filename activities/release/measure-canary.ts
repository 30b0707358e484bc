import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { type MetricRules, requireMeasurable } from '../../domain/metric-rules.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import type { Tables, TablesOptions } from '../../stores/tables.ts';
import { specialFunctions } from '../special-functions.ts';
import { measureCanaryLoss } from './canary-loss.ts';
import type { TrafficRequest } from './contract.ts';
import { column, count, isVersion, openTraffic, type TrafficFiles } from './traffic-tables.ts';

/** What can be measured on a canary. */
export const canaryMetrics: MetricRules = {
  requests: ['atLeast'],
  errors: ['atMost', 'noAlarm'],
  slowAnswers: ['noAlarm'],
  latencyP99: ['atMost'],
  logLoss: ['atMost', 'nonInferior'],
};

/** exp of more would be infinite, which JSON cannot say. */
const largestLogEvidence = 700;

/**
 * Measures a canary for each guardrail, in their order, on both arms' live answers since the ramp's first epoch:
 * - `requests`: the challenger's answers in the newest epoch, that is in the present step;
 * - `errors`: share of the challenger's answers with a status of 500 or above, or the e-value that errors fall into its arm more
 *   often than its planned share of the traffic explains;
 * - `slowAnswers`: the same e-value for answers slower than the guardrail's `limitMs`;
 * - `latencyP99`: of the challenger's answers, in milliseconds;
 * - `logLoss`: over answers whose label is known; `nonInferior` gets challenger less champion, compared within epochs, with a
 *   confidence sequence.
 *
 * E-values of the epochs are multiplied, each with its own share, and must be taken from the ramp's first epoch at every look:
 * begun anew at each step the error rate would add up. An epoch where one arm gets everything compares nothing.
 *
 * @throws CodedError INPUT_INVALID for a metric or rule that a canary does not have.
 */
export async function measureCanaryFiles(
  request: TrafficRequest,
  files: TrafficFiles,
  options: TablesOptions = {},
): Promise<readonly Measurement[]> {
  requireMeasurable('A canary', canaryMetrics, request.guardrails);
  const tables = await openTraffic(files, { ...request, versions: [request.champion, request.challenger] }, options);
  try {
    await tables.all(
      `CREATE VIEW live AS SELECT *, ${isVersion(request.challenger)} AS challenger FROM answers WHERE NOT shadow`,
    );
    const measurements: Measurement[] = [];
    for (const guardrail of request.guardrails) measurements.push(await measure(tables, request, guardrail));
    return measurements;
  } finally {
    tables.close();
  }
}

async function measure(tables: Tables, request: TrafficRequest, guardrail: Guardrail): Promise<Measurement> {
  const { metric } = guardrail;
  switch (metric) {
    case 'requests': {
      const newest = request.weights.at(-1)?.epoch ?? request.sinceEpoch;
      const n = await count(tables, `SELECT count(*) FROM live WHERE challenger AND epoch >= ${newest}`);
      return { metric, value: n, n, unit: 'rows' };
    }
    case 'errors':
      if (guardrail.rule === 'noAlarm') return evidence(tables, request, guardrail, 'status >= 500');
      return errorShare(tables);
    case 'slowAnswers': {
      const limitMs = guardrail.rule === 'noAlarm' ? (guardrail.limitMs ?? 0) : 0;
      return evidence(tables, request, guardrail, `status < 500 AND latencyMs > ${limitMs}`);
    }
    case 'latencyP99': {
      const latencies = await column(tables, 'SELECT latencyMs FROM live WHERE challenger AND status < 500');
      return { metric, value: quantile(latencies, 0.99), n: latencies.length, unit: 'ms' };
    }
    default:
      return measureCanaryLoss(tables, guardrail);
  }
}

async function errorShare(tables: Tables): Promise<Measurement> {
  const n = await count(tables, 'SELECT count(*) FROM live WHERE challenger');
  const failed = await count(tables, 'SELECT count(*) FROM live WHERE challenger AND status >= 500');
  return { metric: 'errors', value: n === 0 ? null : failed / n, n, unit: 'share' };
}

/**
 * The product of the epochs' e-values. Only a subject's first event counts: the arm is chosen by subject, so further events of
 * the same one say nothing new and would break the independence that the e-value rests on.
 */
async function evidence(
  tables: Tables,
  { weights }: TrafficRequest,
  { metric }: Guardrail,
  event: string,
): Promise<Measurement> {
  const shares = new Map(weights.map(({ epoch, weight }) => [epoch, weight / 100]));
  const compared = weights.filter(({ weight }) => weight > 0 && weight < 100).map(({ epoch }) => epoch);
  const within = `epoch IN (${['NULL', ...compared].join(', ')})`;
  const n = await count(tables, `SELECT count(*) FROM live WHERE challenger AND ${within}`);
  const ofChampion = await count(tables, `SELECT count(*) FROM live WHERE NOT challenger AND ${within}`);
  if (n === 0 || ofChampion === 0) return { metric, value: null, n, unit: 'e-value' };
  const epochs = await tables.all(`SELECT epoch, count(*) AS errors, count(*) FILTER (challenger) AS inCanary FROM (
      SELECT epoch, challenger FROM live WHERE ${event} AND ${within}
      QUALIFY row_number() OVER (PARTITION BY subject ORDER BY "at", requestId) = 1
    ) GROUP BY epoch ORDER BY epoch`);
  const logEvidence = epochs.reduce((sum, { epoch, errors, inCanary }) => {
    const events = { errors: Number(errors), inCanary: Number(inCanary), share: shares.get(Number(epoch)) ?? 0 };
    return sum + errorEventLogEvidence(specialFunctions, events);
  }, 0);
  return { metric, value: Math.exp(Math.min(logEvidence, largestLogEvidence)), n, unit: 'e-value' };
}
