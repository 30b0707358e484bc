/** Spans of requests, sent to an OpenTelemetry collector. It owns an exporter: stop it. */
export type Tracing = {
  /**
   * For the protocols: does a request's work within a span `infer`, which goes on with the client's trace where `carrier` names one (W3C Trace
   * Context: `traceparent`, `tracestate`, in lower case).
   */
  traced<T>(carrier: TraceCarrier, work: () => Promise<T>): Promise<T>;
  /** Says of the request under way what is known of it by now. */
  describe(of: TracedRequest): void;
  /** Does a part of the request under way within a span of its own. */
  part<T>(name: 'features' | 'run' | 'log', work: () => T | Promise<T>): Promise<T>;
  /** Sends what is left, waiting at most 3 seconds for the collector. */
  stop(): Promise<void>;
};

/** Headers of a request, or any object with these two among them. */
export type TraceCarrier = { readonly traceparent?: string | undefined; readonly tracestate?: string | undefined };

export type TracedRequest = {
  readonly endpoint: string;
  readonly arm: string;
  readonly modelVersion: string;
  readonly rows: number;
};

type Environment = { readonly [name: string]: string | undefined };

/**
 * Starts tracing where the environment names a collector (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: OTLP over HTTP),
 * else resolves to null without loading anything: who holds null pays nothing. OpenTelemetry itself reads OTEL_EXPORTER_OTLP_HEADERS,
 * OTEL_TRACES_SAMPLER and its other settings. Source: OpenTelemetry, "OTLP Exporter Configuration".
 */
export async function startTracing(environment: Environment): Promise<Tracing | null> {
  const url = collectorUrl(environment);
  if (url === null) return null;
  const { openTracing } = await import('./open-tracing.ts');
  return openTracing({ url, service: environment['OTEL_SERVICE_NAME']?.trim() || 'perdura' });
}

/** The address for traces is taken as it stands, the general one is a base. */
function collectorUrl(environment: Environment): string | null {
  const exact = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']?.trim();
  if (exact) return exact;
  const base = environment['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim();
  return base ? `${base.replace(/\/+$/, '')}/v1/traces` : null;
}
