import { setTimeout as wait } from 'node:timers/promises';

import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, NodeTracerProvider, type TracerConfig } from '@opentelemetry/sdk-trace-node';

import { isCoded } from '../../domain/errors.ts';
import type { Tracing } from './tracing.ts';

export type OpenTracingOptions = {
  /** Where the collector takes traces, path included. */
  readonly url: string;
  readonly service: string;
};

const stopAtMostMs = 3_000;
/** What the client must correct or repeat is no error of the server's span. Source: OpenTelemetry, "Semantic conventions for HTTP spans". */
const clientsFault: ReadonlySet<string> = new Set([
  'INPUT_INVALID',
  'NOT_FOUND',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'OVERLOADED',
]);

/** Opens the exporter and makes it OpenTelemetry's global one; only where tracing is on, because loading it takes time and memory. */
export function openTracing({ url, service }: OpenTracingOptions): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceOf({ 'service.name': service, 'process.pid': process.pid }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  provider.register();
  const tracer = provider.getTracer('perdura');
  return {
    traced(carrier, work) {
      const parent = propagation.extract(ROOT_CONTEXT, carrier);
      const span = tracer.startSpan('infer', { kind: SpanKind.SERVER }, parent);
      return context.with(trace.setSpan(parent, span), () => within(span, work));
    },
    describe({ endpoint, arm, modelVersion, rows }) {
      trace.getActiveSpan()?.setAttributes({ endpoint, arm, model_version: modelVersion, rows });
    },
    part(name, work) {
      const span = tracer.startSpan(name);
      return context.with(trace.setSpan(context.active(), span), () => within(span, work));
    },
    async stop() {
      // A collector that is away must not hold up the end of the process.
      await Promise.race([provider.shutdown().catch(() => undefined), wait(stopAtMostMs, undefined, { ref: false })]);
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

async function within<T>(span: Span, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = isCoded(error) ? error.code : 'ACTIVITY_FAILED';
    span.setAttribute('error.type', code);
    if (!clientsFault.has(code)) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
    }
    throw error;
  } finally {
    span.end();
  }
}

type Resource = NonNullable<TracerConfig['resource']>;

/** A resource with fixed attributes; what it is merged with adds to it. */
function resourceOf(attributes: Resource['attributes']): Resource {
  return {
    attributes,
    merge: (other) => resourceOf({ ...attributes, ...other?.attributes }),
    getRawAttributes: () => Object.entries(attributes),
  };
}
