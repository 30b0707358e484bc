import type { LoggedRow } from '../log/log-writer.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { Input } from './call.ts';
import type { Computed } from './compute.ts';

/** What the log tells of a request beside what the model made of it. */
export type RequestFacts = {
  readonly requestId: string;
  readonly subject: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly arm: string;
  readonly caller: string | null;
  /** Of the monotonic clock, when the request arrived. */
  readonly started: number;
  /** Of an hour of a model's time; null: not known. */
  readonly pricePerHour: number | null;
};

const msPerHour = 3_600_000;

/**
 * The lines of one request: one a row, and at least one, so that what failed before it had rows is seen too. `latencyMs` is from the
 * arrival in here to the output; the log's own write and the network are not in it.
 */
export function toLoggedRows(model: LoadedModel, input: Input, computed: Computed, facts: RequestFacts): LoggedRow[] {
  const rows = Math.max(
    1,
    computed.answers.length,
    input.kind === 'records' ? input.records.length : computed.features.length,
  );
  const latencyMs = Math.round((performance.now() - facts.started) * 1_000) / 1_000;
  const computeMs = Math.round(((computed.run?.computeMs ?? 0) / rows) * 1e6) / 1e6;
  const cost = facts.pricePerHour === null ? null : (computeMs / msPerHour) * facts.pricePerHour;
  const { model: name, modelVersion } = model.reference;
  const error = computed.error === null ? null : wellFormed(`${computed.error.code}: ${computed.error.message}`);
  const lines: LoggedRow[] = [];
  for (let row = 0; row < rows; row += 1) {
    const answer = computed.answers[row];
    lines.push({
      requestId: rows === 1 ? facts.requestId : `${facts.requestId}/${String(row)}`,
      subject: facts.subject,
      endpoint: facts.endpoint,
      epoch: facts.epoch,
      arm: facts.arm,
      model: name,
      modelVersion,
      shadow: facts.arm === 'shadow',
      status: error === null ? 200 : 500,
      error,
      latencyMs,
      output: answer?.logged ?? null,
      record: input.kind === 'records' ? input.records[row] : null,
      features: computed.features[row] ?? {},
      answer: answer?.output ?? null,
      confidence: answer?.confidence ?? null,
      computeMs,
      cost,
      caller: facts.caller,
    });
  }
  return lines;
}

/** Half a surrogate pair, which a feature function may put into its message, is no UTF-8: its whole line would be unreadable. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
