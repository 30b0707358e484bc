/**
 * One answered request: a line of the inference log, a row of `inference/<endpoint>/dt=…/hr=…/<replica>-<seq>.parquet`.
 * A shadow's answer is a row of its own with `shadow` true and the same `requestId`.
 */
export type InferenceRow = {
  readonly requestId: string;
  /** The stable id that the arm is chosen by. */
  readonly subject: string;
  /** When it was answered, ISO 8601 UTC. */
  readonly at: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly arm: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly shadow: boolean;
  /** HTTP-like: 200 answered, 5xx the server's fault. */
  readonly status: number;
  readonly error: string | null;
  readonly latencyMs: number;
  readonly output: number | null;
  /** The raw record and its features, as JSON text: columns differ from endpoint to endpoint. */
  readonly record: string;
  readonly features: string;
};

/** The true outcome of one request, known later: a row of `labels/<endpoint>/dt=…/hr=…/<replica>-<seq>.parquet`. */
export type LabelRow = { readonly requestId: string; readonly label: number; readonly at: string };
