import { randomUUID } from 'node:crypto';

import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Admission, Caller } from '../access/admission.ts';
import type { EndpointCounters } from '../endpoint-status.ts';
import type { ShadowFeed } from '../hosting/shadow-feed.ts';
import type { LogWriter } from '../log/log-writer.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { Answered, Call } from './call.ts';
import { chooseVersion } from './choose-version.ts';
import { compute, type Computed } from './compute.ts';
import type { InFlight } from './in-flight.ts';
import { type RequestFacts, toLoggedRows } from './logged-rows.ts';
import type { ActiveEndpoint } from './parts.ts';
import type { PastLookup } from './past-lookup.ts';
import { faultOf } from './refusal.ts';

/** What the way of a request needs. */
export type AnswerParts = {
  /** The endpoint in force, held for the caller. @throws CodedError NOT_FOUND, or why its route is not in force. */
  readonly hold: (endpoint: string) => ServedEndpoint | Promise<ServedEndpoint>;
  readonly admission: Admission;
  readonly inFlight: InFlight;
  readonly past: PastLookup;
  readonly log: LogWriter;
  readonly counters: (endpoint: string) => EndpointCounters;
  /** Of an hour of a model's time; null: not known. */
  readonly pricePerHour: number | null;
  readonly tracing: Tracing | null;
};

/** An endpoint with the ways to its shadows. */
export type ServedEndpoint = ActiveEndpoint & { readonly feeds: readonly ShadowFeed[] };

/**
 * The one way of a request, whichever protocol brought it: admitted, its arm chosen, features computed, the model run, the rows logged, and
 * only then answered. Errors are those of `AnsweringParts.answer`; what is the client's fault is not logged.
 */
export function answerRequest(parts: AnswerParts, call: Call): Promise<Answered> {
  if (parts.tracing === null) return answerWithin(parts, call);
  return parts.tracing.traced(call.trace, () => answerWithin(parts, call));
}

async function answerWithin(parts: AnswerParts, call: Call): Promise<Answered> {
  const started = performance.now();
  parts.inFlight.enter();
  try {
    const found = parts.hold(call.endpoint);
    const active = found instanceof Promise ? await found : found;
    try {
      const admitted = parts.admission.admit(active.policy, call.credential);
      const caller = admitted instanceof Promise ? await admitted : admitted;
      return await answerOn(parts, active, call, { caller, started });
    } finally {
      active.letGo();
    }
  } finally {
    parts.inFlight.leave();
  }
}

async function answerOn(
  parts: AnswerParts,
  active: ServedEndpoint,
  call: Call,
  asked: { readonly caller: Caller; readonly started: number },
): Promise<Answered> {
  const { endpoint, epoch } = active.route;
  const requestId = call.requestId ?? randomUUID();
  const subject = call.subject ?? requestId;
  const { arm, as } = chooseVersion(active, call, asked.caller, subject);
  const computed = await computeForLog(parts, active, call, { model: arm.model, chosenByClient: as === 'direct' });

  const facts: RequestFacts = {
    requestId,
    subject,
    endpoint,
    epoch,
    arm: as,
    caller: asked.caller.name,
    started: asked.started,
    pricePerHour: parts.pricePerHour,
  };
  const counters = parts.counters(endpoint);
  try {
    const rows = toLoggedRows(arm.model, call.input, computed, facts);
    if (parts.tracing === null) await parts.log.append(active.policy, rows);
    else await parts.tracing.part('log', () => parts.log.append(active.policy, rows));
  } catch (unlogged) {
    counters.failed += 1;
    throw unlogged;
  }
  if (active.feeds.length > 0) offerToShadows(active.feeds, call, computed, facts);
  if (computed.run === null) {
    counters.failed += 1;
    throw computed.error ?? new CodedError('MODEL_INVALID', `Endpoint '${endpoint}' gave no answer. Look at its log.`);
  }
  counters.answered += 1;
  const { reference, signature } = arm.model;
  const { answers, run } = computed;
  parts.tracing?.describe({ endpoint, arm: as, modelVersion: reference.modelVersion, rows: answers.length });
  return {
    requestId,
    endpoint,
    epoch,
    arm: as,
    reference,
    signature,
    rows: answers.length,
    outputs: run.outputs,
    answers,
  };
}

/** @throws CodedError INPUT_INVALID, OVERLOADED: what is not logged, because the client is told to correct or to repeat it. */
async function computeForLog(
  parts: AnswerParts,
  active: ServedEndpoint,
  { input }: Call,
  { model, chosenByClient }: { readonly model: LoadedModel; readonly chosenByClient: boolean },
): Promise<Computed> {
  const { past, tracing } = parts;
  const computed = await compute(model, input, { past, tracing, rowsPerRequest: active.policy.limits.rowsPerRequest });
  if (computed.error === null) return computed;
  const error = chosenByClient ? computed.error : faultOf(computed.error, model, active.arms, input);
  if (isCoded(error, 'INPUT_INVALID') || isCoded(error, 'OVERLOADED')) throw error;
  return { ...computed, error };
}

/** Only hands copies on: what a shadow makes of them, and whether it keeps up, is no concern of the live answer's. */
function offerToShadows(feeds: readonly ShadowFeed[], call: Call, computed: Computed, facts: RequestFacts): void {
  const { input } = call;
  const rows = input.kind === 'records' ? input.records.length : computed.features.length;
  for (let row = 0; row < rows; row += 1) {
    const job = {
      requestId: rows === 1 ? facts.requestId : `${facts.requestId}/${String(row)}`,
      subject: facts.subject,
      record: input.kind === 'records' ? input.records[row] : null,
      features: input.kind === 'records' ? null : (computed.features[row] ?? {}),
    };
    for (const feed of feeds) feed.offer(job);
  }
}
