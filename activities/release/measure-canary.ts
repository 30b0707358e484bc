import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { type MetricRules, requireMeasurable } from '../../domain/metric-rules.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import type { Tables, TablesOptions } from '../../stores/tables.ts';
import { measureCanaryEvidence } from './canary-evidence.ts';
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

/**
 * Measures a canary for each guardrail, in their order, on both arms' live answers since the ramp's first epoch:
 * - `requests`: the challenger's answers in the newest epoch, that is in the present step; one of status 500 or above is none;
 * - `errors`: share of the challenger's answers with a status of 500 or above, of the whole ramp or of the newest epoch, whichever is
 *   larger, because a ramp's good beginning must not hide its end; or the e-value that errors fall into its arm more often than its
 *   planned share of the traffic explains;
 * - `slowAnswers`: the same e-value for answers slower than the guardrail's `limitMs`;
 * - `latencyP99`: of the challenger's answers, in milliseconds;
 * - `logLoss`: over answers whose label is known; `nonInferior` gets challenger less champion, compared within epochs, with a
 *   confidence sequence.
 *
 * E-values of the epochs are multiplied, each with its own share, and must be taken from the ramp's first epoch at every look:
 * begun anew at each step the error rate would add up. An epoch where the challenger gets everything is held against the champion's
 * share in the epochs before it: not at the same time, so this assumes that the champion would have gone on as it did.
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
      const answered = `challenger AND status < 500 AND epoch >= ${newestEpoch(request)}`;
      const n = await count(tables, `SELECT count(*) FROM live WHERE ${answered}`);
      return { metric, value: n, n, unit: 'rows' };
    }
    case 'errors':
      return guardrail.rule === 'noAlarm'
        ? measureCanaryEvidence(tables, request, guardrail, { asked: 'true', shown: 'status >= 500' })
        : largerErrorShare(tables, request);
    case 'slowAnswers':
      return slowAnswers(tables, request, guardrail);
    case 'latencyP99': {
      const latencies = await column(tables, 'SELECT latencyMs FROM live WHERE challenger AND status < 500');
      return { metric, value: quantile(latencies, 0.99), n: latencies.length, unit: 'ms' };
    }
    default:
      return measureCanaryLoss(tables, guardrail);
  }
}

async function slowAnswers(tables: Tables, request: TrafficRequest, guardrail: Guardrail): Promise<Measurement> {
  if (guardrail.rule !== 'noAlarm') return { metric: guardrail.metric, value: null, n: 0 };
  const [asked, slow] = ['status < 500', `latencyMs > ${guardrail.limitMs ?? 0}`];
  return measureCanaryEvidence(tables, request, guardrail, { asked, shown: `${asked} AND ${slow}` });
}

async function largerErrorShare(tables: Tables, request: TrafficRequest): Promise<Measurement> {
  const pooled = await errorShare(tables, request.sinceEpoch);
  const newest = await errorShare(tables, newestEpoch(request));
  return (newest.value ?? 0) > (pooled.value ?? 0) ? newest : pooled;
}

async function errorShare(tables: Tables, sinceEpoch: number): Promise<Measurement> {
  const answers = `SELECT count(*) FROM live WHERE challenger AND epoch >= ${sinceEpoch}`;
  const n = await count(tables, answers);
  const failed = await count(tables, `${answers} AND status >= 500`);
  return { metric: 'errors', value: n === 0 ? null : failed / n, n, unit: 'share' };
}

function newestEpoch({ weights, sinceEpoch }: TrafficRequest): number {
  return weights.at(-1)?.epoch ?? sinceEpoch;
}
