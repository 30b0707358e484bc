import { randomUUID } from 'node:crypto';
import type { PastValues } from '../domain/aggregate.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import { encodeRows, type FeatureRow, parseRecord, type RawRecord } from '../domain/features.ts';
import type { InferenceRow, LabelRow } from '../domain/inference.ts';
import type { ActiveRoute } from './active-route.ts';
import { answerOf, type Output, type RowAnswer } from './answering/answer.ts';
import { chooseArm } from './answering/arm.ts';
import type { Counters } from './counters.ts';
import type { InFlight } from './answering/in-flight.ts';
import type { LoadedModel } from './models/load-model.ts';
import type { InferenceLog } from './log/inference-log.ts';
import type { PastLookup } from './answering/past-lookup.ts';
import { faultOf } from './answering/refusal.ts';
import type { RouteFollower } from './control/route-follower.ts';
import type { ShadowQueue } from './hosting/shadow-queue.ts';

/** What the row endpoint works with. */
export type RowEndpointParts = {
  readonly follower: RouteFollower;
  readonly log: InferenceLog;
  readonly shadows: ShadowQueue;
  readonly counters: Counters;
  readonly inFlight: InFlight;
  readonly past: PastLookup;
};

export type PredictRequest = { readonly requestId?: string; readonly subject?: string; readonly record: unknown };
export type PredictAnswer = {
  readonly requestId: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly arm: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly output: Output;
};

/** One row's way through a model; `features` is empty where it did not get that far. */
type Computed = { readonly features: FeatureRow; readonly answer: RowAnswer | null; readonly error: CodedError | null };
type Asked = { readonly requestId: string; readonly subject: string; readonly record: string };

/**
 * Answers one raw record: the subject's arm is chosen, its package's aggregates looked up as of the record's time, its own feature function
 * applied, the model run, the row logged, and only then answered. `answered` is called with the answer before the route's shadows get their copies.
 *
 * @throws CodedError NOT_FOUND; INPUT_INVALID naming the field (every arm refuses the record: the client's fault, not logged); OVERLOADED;
 * FEATURES_INVALID and MODEL_INVALID, also for a record that only another arm takes, and SERVICE_UNAVAILABLE of the online store (logged
 * with status 500); DISK_FULL when the log cannot be written.
 */
export async function predict(
  parts: RowEndpointParts,
  endpoint: string,
  request: PredictRequest,
  answered: (answer: PredictAnswer) => void,
): Promise<void> {
  const started = performance.now();
  parts.inFlight.enter();
  try {
    if (parts.follower.current(endpoint) === null) await parts.follower.follow(endpoint);
    const active = parts.follower.hold(endpoint);
    try {
      const requestId = request.requestId ?? randomUUID();
      const asked = { requestId, subject: request.subject ?? requestId, record: JSON.stringify(request.record) };
      answered(await answerLive(parts, active, { asked, request, started }));
      offerShadows(parts, active, asked, request.record);
    } finally {
      active.letGo();
    }
  } finally {
    parts.inFlight.leave();
  }
}

/** Logs true outcomes as they become known. @throws CodedError NOT_FOUND; DISK_FULL. */
export async function recordLabels(
  parts: RowEndpointParts,
  endpoint: string,
  labels: readonly (Omit<LabelRow, 'at'> & { readonly at?: string })[],
): Promise<void> {
  await parts.follower.follow(endpoint);
  const now = new Date().toISOString();
  const rows = labels.map(({ requestId, label, at }) => ({ requestId, label, at: at === undefined ? now : utc(at) }));
  await parts.log.appendLabels(endpoint, rows, now);
}

async function answerLive(
  parts: RowEndpointParts,
  active: ActiveRoute,
  live: { readonly asked: Asked; readonly request: PredictRequest; readonly started: number },
): Promise<PredictAnswer> {
  const { endpoint, epoch } = active.route;
  const arm = chooseArm(endpoint, live.asked.subject, active.arms);
  const { features, answer, error: failure } = await compute(parts, arm.model, live.request.record);
  const error = faultOf(failure, arm.model, active.arms, live.request.record);
  if (isCoded(error, 'INPUT_INVALID')) throw error;
  const computed = { features, answer, error };
  const counters = parts.counters.of(endpoint);
  const facts = { arm: arm.name, shadow: false, started: live.started };
  try {
    await parts.log.append(toRow(active, arm.model, live.asked, computed, facts));
  } catch (unlogged) {
    counters.failed += 1;
    throw unlogged;
  }
  if (answer === null) {
    counters.failed += 1;
    throw error;
  }
  counters.answered += 1;
  const { model, modelVersion } = arm.version;
  return {
    requestId: live.asked.requestId,
    endpoint,
    epoch,
    arm: arm.name,
    model,
    modelVersion,
    output: answer.output,
  };
}

function offerShadows(parts: RowEndpointParts, active: ActiveRoute, asked: Asked, record: unknown): void {
  const counters = parts.counters.of(active.route.endpoint);
  for (const model of active.shadows) {
    active.hold();
    const drop = (): void => {
      counters.shadowDropped += 1;
      active.letGo();
    };
    const run = async (): Promise<void> => {
      const started = performance.now();
      try {
        const computed = await compute(parts, model, record);
        await parts.log.append(toRow(active, model, asked, computed, { arm: 'shadow', shadow: true, started }));
        counters.shadowed += 1;
      } catch {
        // Only the log throws, and the live path reports that.
        counters.shadowDropped += 1;
      } finally {
        active.letGo();
      }
    };
    parts.shadows.offer({ run, drop });
  }
}

async function compute({ past }: Pick<RowEndpointParts, 'past'>, model: LoadedModel, json: unknown): Promise<Computed> {
  let features: FeatureRow = {};
  try {
    const record = parseRecord(model.features.record, json);
    features = applyFeatures(model, record, await past.of(model, record));
    const answer = answerOf(model.signature, await model.run(encodeRows(model.signature, [features])));
    return { features, answer, error: null };
  } catch (error) {
    if (isCoded(error)) return { features, answer: null, error };
    const message = `Model ${model.reference.model} version ${model.reference.modelVersion} failed: ${String(error)}`;
    return { features, answer: null, error: new CodedError('MODEL_INVALID', message, { cause: error }) };
  }
}

function applyFeatures(model: LoadedModel, record: RawRecord, past: PastValues): FeatureRow {
  try {
    const features: unknown = model.features.features(record, past);
    if (typeof features !== 'object' || features === null) throw new TypeError(`it returned ${String(features)}`);
    return features as FeatureRow;
  } catch (error) {
    const { model: name, modelVersion } = model.reference;
    throw new CodedError(
      'FEATURES_INVALID',
      `The feature function of ${name} version ${modelVersion} failed: ${String(error)}. Correct the pipeline's features.ts.`,
      { cause: error },
    );
  }
}

/** `latencyMs` is from the record's arrival in here to its output; the log's own write and the network are not in it. */
function toRow(
  active: ActiveRoute,
  model: LoadedModel,
  asked: Asked,
  computed: Computed,
  facts: { readonly arm: string; readonly shadow: boolean; readonly started: number },
): InferenceRow {
  return {
    requestId: asked.requestId,
    subject: asked.subject,
    at: new Date().toISOString(),
    endpoint: active.route.endpoint,
    epoch: active.route.epoch,
    arm: facts.arm,
    model: model.reference.model,
    modelVersion: model.reference.modelVersion,
    shadow: facts.shadow,
    status: computed.answer === null ? 500 : 200,
    error: computed.error === null ? null : wellFormed(`${computed.error.code}: ${computed.error.message}`),
    latencyMs: Math.round((performance.now() - facts.started) * 1_000) / 1_000,
    output: computed.answer?.logged ?? null,
    record: asked.record,
    features: JSON.stringify(computed.features),
    answer: computed.answer === null ? null : JSON.stringify(computed.answer.output),
    confidence: null,
    review: false,
    computeMs: 0,
    cost: null,
    caller: null,
    keyId: null,
  };
}

/** Half a surrogate pair, which a feature function may put into its message, is no UTF-8: its whole line would be unreadable. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

function utc(at: string): string {
  const time = Date.parse(at);
  if (Number.isFinite(time)) return new Date(time).toISOString();
  throw new CodedError('INPUT_INVALID', `Label time '${at}' must be ISO 8601, for example 2001-03-31T17:00:00Z.`, {
    details: { field: 'at' },
  });
}
