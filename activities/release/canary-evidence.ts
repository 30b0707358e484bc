import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';
import type { Tables } from '../../stores/tables.ts';
import { specialFunctions } from '../special-functions.ts';
import type { TrafficRequest } from './contract.ts';
import { type EventShare, laterLogEvidence } from './later-evidence.ts';
import { count } from './traffic-tables.ts';

/** SQL conditions on a live answer: whether it is asked at all, and whether it shows what should not be. */
export type WatchedEvent = { readonly asked: string; readonly shown: string };

/** exp of more would be infinite, which JSON cannot say. */
const largestLogEvidence = 700;

/** Part of a guardrail's alpha by which the bound of the champion's earlier rate may err; it comes on top of alpha. */
const boundPart = 0.1;

/**
 * The e-value that an event falls to the challenger more often than to the champion: the product over the epochs of a ramp, from its
 * view `live`. Where both arms answer they are compared side by side; where the challenger has all the traffic it is held against the
 * champion's share in the epochs before, which assumes that the champion would have gone on as it did (`laterLogEvidence`).
 *
 * Only a subject's first event counts, or its first answer where shares are compared: the arm is chosen by subject, so further ones
 * of the same subject say nothing new and would break the independence that the e-value rests on. `n` are the challenger's answers; the
 * value is null where one side has none.
 */
export async function measureCanaryEvidence(
  tables: Tables,
  { weights }: TrafficRequest,
  { metric, alpha }: Guardrail & { readonly rule: 'noAlarm' },
  event: WatchedEvent,
): Promise<Measurement> {
  const within = (applies: (weight: number) => boolean): string =>
    `epoch IN (${['NULL', ...weights.filter(({ weight }) => applies(weight)).map(({ epoch }) => epoch)].join(', ')})`;
  const champion = `NOT challenger AND ${within((weight) => weight < 100)}`;
  const n = await count(tables, `SELECT count(*) FROM live WHERE challenger AND ${within((weight) => weight > 0)}`);
  const ofChampion = await count(tables, `SELECT count(*) FROM live WHERE ${champion}`);
  if (n === 0 || ofChampion === 0) return { metric, value: null, n, unit: 'e-value' };
  const shared = `${event.shown} AND ${within((weight) => weight > 0 && weight < 100)}`;
  const logEvidence =
    (await sideBySide(tables, weights, shared)) +
    laterLogEvidence(specialFunctions, {
      before: await firstAnswers(tables, champion, event),
      alone: await firstAnswers(tables, `challenger AND ${within((weight) => weight === 100)}`, event),
      boundError: alpha * boundPart,
    });
  return { metric, value: Math.exp(Math.min(logEvidence, largestLogEvidence)), n, unit: 'e-value' };
}

async function sideBySide(tables: Tables, weights: TrafficRequest['weights'], where: string): Promise<number> {
  const shares = new Map(weights.map(({ epoch, weight }) => [epoch, weight / 100]));
  const epochs = await tables.all(`SELECT epoch, count(*) AS errors, count(*) FILTER (challenger) AS inCanary FROM (
      SELECT epoch, challenger FROM live WHERE ${where}
      QUALIFY row_number() OVER (PARTITION BY subject ORDER BY "at", requestId) = 1
    ) GROUP BY epoch ORDER BY epoch`);
  return epochs.reduce((sum, { epoch, errors, inCanary }) => {
    const events = { errors: Number(errors), inCanary: Number(inCanary), share: shares.get(Number(epoch)) ?? 0 };
    return sum + errorEventLogEvidence(specialFunctions, events);
  }, 0);
}

async function firstAnswers(tables: Tables, where: string, { asked, shown }: WatchedEvent): Promise<EventShare> {
  const [row = {}] = await tables.all(`SELECT count(*) AS trials, count(*) FILTER (shown) AS events FROM (
      SELECT ${shown} AS shown FROM live WHERE ${where} AND ${asked}
      QUALIFY row_number() OVER (PARTITION BY subject ORDER BY "at", requestId) = 1
    )`);
  return { events: Number(row['events']), trials: Number(row['trials']) };
}
