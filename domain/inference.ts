/**
 * One answered row: a line of the inference log, a row of `inference/<endpoint>/dt=…/hr=…/<replica>-<seq>.parquet`.
 * A shadow's answer is a row of its own with `shadow` true and the same `requestId`.
 */
export type InferenceRow = {
  /** The client's id, else a made-up one; of a request with several rows `<id>/<place>`, from 0. */
  readonly requestId: string;
  /** The stable id that the arm is chosen by. */
  readonly subject: string;
  /** When it was answered, ISO 8601 UTC. */
  readonly at: string;
  readonly endpoint: string;
  readonly epoch: number;
  /** `champion`, `challenger`, `shadow`, or `direct`: the client chose the version itself, which is no evidence. */
  readonly arm: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly shadow: boolean;
  /** HTTP-like: 200 answered, 5xx the server's fault. */
  readonly status: number;
  readonly error: string | null;
  readonly latencyMs: number;
  readonly output: number | null;
  /** The raw record and its features, as JSON text: columns differ from endpoint to endpoint. The record of a request of tensors is `null`. */
  readonly record: string;
  readonly features: string;
  /** The whole answer as JSON text, as a row endpoint gives it; null where there is none. */
  readonly answer: string | null;
  /** Probability of the likelier side or class, 0 to 1; null where the task has none. */
  readonly confidence: number | null;
  /** Whether it waits for a person. */
  readonly review: boolean;
  /** Time in the model alone, its share of a batch, milliseconds; its price where one is known. */
  readonly computeMs: number;
  readonly cost: number | null;
  /** Who asked, where callers are known. */
  readonly caller: string | null;
  /** The key of the columns that are encrypted; null where none is. */
  readonly keyId: string | null;
};

/** The true outcome of one request, known later: a row of `labels/<endpoint>/dt=…/hr=…/<replica>-<seq>.parquet`. */
export type LabelRow = { readonly requestId: string; readonly label: number; readonly at: string };
