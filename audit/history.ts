import { CodedError } from '../domain/errors.ts';

/** A payload as protobuf's JSON writes it: `metadata` values and `data` are base64. */
export type Payload = { readonly metadata?: Readonly<Record<string, string>> | null; readonly data?: string | null };
export type Payloads = { readonly payloads?: readonly Payload[] | null };

/** A failure with its causes, as far as the audit looks at it. */
export type HistoryFailure = {
  readonly message?: string | null;
  readonly applicationFailureInfo?: { readonly type?: string | null; readonly details?: Payloads | null } | null;
  readonly cause?: HistoryFailure | null;
};

type Named = { readonly name?: string | null };

/** One event of a history, with the attributes of the kinds that the audit compares. */
export type HistoryEvent = {
  readonly eventId: string;
  readonly eventType: string;
  readonly workflowExecutionStartedEventAttributes?: {
    readonly input?: Payloads | null;
    readonly originalExecutionRunId?: string;
    readonly firstExecutionRunId?: string;
  };
  readonly workflowTaskFailedEventAttributes?: { readonly newRunId?: string };
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityId: string;
    readonly activityType: Named;
    readonly input?: Payloads | null;
  };
  readonly activityTaskCompletedEventAttributes?: {
    readonly scheduledEventId: string;
    readonly result?: Payloads | null;
  };
  readonly timerStartedEventAttributes?: { readonly timerId: string; readonly startToFireTimeout?: string | null };
  readonly startChildWorkflowExecutionInitiatedEventAttributes?: {
    readonly workflowId: string;
    readonly workflowType: Named;
    readonly input?: Payloads | null;
  };
  readonly signalExternalWorkflowExecutionInitiatedEventAttributes?: {
    readonly workflowExecution: { readonly workflowId: string };
    readonly signalName: string;
    readonly input?: Payloads | null;
  };
  readonly workflowExecutionContinuedAsNewEventAttributes?: {
    readonly workflowType: Named;
    readonly input?: Payloads | null;
  };
  readonly workflowExecutionCompletedEventAttributes?: { readonly result?: Payloads | null };
  readonly workflowExecutionFailedEventAttributes?: { readonly failure?: HistoryFailure | null };
};

/**
 * Parses the JSON that `historyToJSON` writes.
 *
 * @throws CodedError EVIDENCE_ALTERED when it is not a history.
 */
export function parseHistory(historyJson: string, name: string): { readonly events: readonly HistoryEvent[] } {
  const history = parseJson(historyJson) as { readonly events?: readonly HistoryEvent[] } | null;
  if (typeof history === 'object' && history !== null && Array.isArray(history.events) && history.events.length > 0)
    return { events: history.events };
  throw new CodedError('EVIDENCE_ALTERED', `${name} is not an event history. Compare it with its older versions.`);
}

/** An activity that completed, with the values that it was given and that it answered. */
export type CompletedActivity = {
  readonly name: string;
  readonly input: readonly unknown[];
  readonly result: readonly unknown[];
};

/** The activities that completed, in the order in which they did. */
export function completedActivities(events: readonly HistoryEvent[]): readonly CompletedActivity[] {
  const scheduled = new Map(events.map((event) => [event.eventId, event.activityTaskScheduledEventAttributes]));
  return events.flatMap(({ activityTaskCompletedEventAttributes: completed }) => {
    const asked = completed && scheduled.get(completed.scheduledEventId);
    if (!asked) return [];
    const [input, result] = [decodePayloads(asked.input), decodePayloads(completed.result)];
    return [{ name: asked.activityType.name ?? '', input, result }];
  });
}

/** The values of a list of payloads. */
export function decodePayloads(payloads: Payloads | null | undefined): readonly unknown[] {
  return (payloads?.payloads ?? []).map(decodePayload);
}

/**
 * The value of one payload. Bytes become what `JSON.stringify` makes of a Uint8Array, because that is how a replay records them; other
 * encodings (encrypted, protobuf) stay as they are, so that they still compare.
 */
export function decodePayload(payload: Payload): unknown {
  const bytes = Buffer.from(payload.data ?? '', 'base64');
  const encoding = encodingOf(payload);
  switch (encoding) {
    case 'binary/null':
      return null;
    case 'json/plain':
    case 'json/protobuf':
      return parseJson(bytes.toString('utf8'));
    case 'binary/plain':
      return Object.fromEntries(bytes.entries());
    default:
      return { encoding, data: payload.data ?? '' };
  }
}

/** Every value that any event of a history carries, in order. */
export function allValues(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(allValues);
  if (isPayload(value)) return [decodePayload(value)];
  return Object.values(value).flatMap(allValues);
}

/** The values of all payloads of an object that are plain JSON, which bytes and encrypted ones are not, whatever they begin with. */
export function jsonValues(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (!isPayload(value)) return Object.values(value).flatMap(jsonValues);
  return encodingOf(value) === 'json/plain' ? [decodePayload(value)] : [];
}

function encodingOf(payload: Payload): string {
  return Buffer.from(payload.metadata?.['encoding'] ?? '', 'base64').toString('utf8');
}

function isPayload(value: object): value is Payload {
  if (!('metadata' in value) || typeof value.metadata !== 'object' || value.metadata === null) return false;
  return 'encoding' in value.metadata && typeof value.metadata.encoding === 'string';
}

/** A JSON text's value; null when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
