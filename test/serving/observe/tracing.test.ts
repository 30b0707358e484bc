import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { CodedError } from '../../../domain/errors.ts';
import { startTracing, type Tracing } from '../../../serving/observe/tracing.ts';

type Value = { readonly stringValue?: string; readonly intValue?: number };
type Attributes = readonly { readonly key: string; readonly value: Value }[];
type Span = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Attributes;
  readonly status: { readonly code?: number; readonly message?: string };
};
type Sent = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
};

/** A collector that takes OTLP over HTTP as JSON. */
class Collector {
  readonly taken: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly sent: Sent }[] = [];
  private readonly server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const sent = JSON.parse(Buffer.concat(parts).toString()) as Sent;
      this.taken.push({ path: request.url ?? '', headers: request.headers, sent });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  spans(): readonly Span[] {
    return this.taken.flatMap(({ sent }) =>
      sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  span(name: string): Span {
    const [found, ...more] = this.spans().filter((span) => span.name === name);
    if (found === undefined || more.length > 0) throw new Error(`${more.length + 1} spans ${name}, not one.`);
    return found;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentSpanId = 'b7ad6b7169203331';
const carrier = { traceparent: `00-${traceId}-${parentSpanId}-01` };

let collector: Collector;
let url: string;
beforeEach(async () => {
  collector = new Collector();
  url = await collector.open();
});
afterEach(() => collector.close());

async function traced(use: (tracing: Tracing) => Promise<void>): Promise<void> {
  const tracing = await startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  if (tracing === null) throw new Error('Tracing is off.');
  await use(tracing);
  await tracing.stop();
}

const attributesOf = (attributes: Attributes): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

test('without a collector in the environment there is no tracing', async () => {
  expect(await startTracing({})).toBeNull();
  expect(await startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toBeNull();
});

test("a request's spans reach the collector in the client's trace, with their attributes and parents", async () => {
  await traced(async (tracing) => {
    const answer = await tracing.traced(carrier, async () => {
      tracing.describe({ endpoint: 'flights', arm: 'champion', modelVersion: '3', rows: 2 });
      await tracing.part('features', () => undefined);
      const run = await tracing.part('run', async () => Promise.resolve(41));
      await tracing.part('log', async () => Promise.resolve());
      return run + 1;
    });
    expect(answer).toBe(42);
  });
  const infer = collector.span('infer');
  expect(infer).toMatchObject({ traceId, parentSpanId });
  expect(attributesOf(infer.attributes)).toEqual({
    endpoint: 'flights',
    arm: 'champion',
    model_version: '3',
    rows: 2,
  });
  for (const name of ['features', 'run', 'log']) {
    expect(collector.span(name)).toMatchObject({ traceId, parentSpanId: infer.spanId });
  }
  expect(collector.taken[0]?.path).toBe('/v1/traces');
  const resource = collector.taken[0]?.sent.resourceSpans[0]?.resource.attributes ?? [];
  expect(attributesOf(resource)).toMatchObject({ 'service.name': 'perdura', 'process.pid': process.pid });
});

test('requests at the same time keep their spans apart', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => (index + 1).toString(16).padStart(32, '0'));
  await traced(async (tracing) => {
    const ask = async (id: string, place: number): Promise<void> => {
      await tracing.traced({ traceparent: `00-${id}-${parentSpanId}-01` }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await tracing.part('run', () => new Promise((resolve) => setTimeout(resolve, 20 - place)));
        tracing.describe({ endpoint: id, arm: 'champion', modelVersion: '1', rows: 1 });
      });
    };
    await Promise.all(ids.map(ask));
  });
  for (const id of ids) {
    const [infer, run] = ['infer', 'run'].map((name) =>
      collector.spans().find((span) => span.name === name && span.traceId === id),
    );
    expect(run?.parentSpanId).toBe(infer?.spanId);
    expect(attributesOf(infer?.attributes ?? [])['endpoint']).toBe(id);
  }
});

test('a request without a trace, or with a broken one, begins its own', async () => {
  await traced(async (tracing) => {
    await tracing.traced({}, async () => Promise.resolve());
    await tracing.traced({ traceparent: '00-rubbish' }, async () => Promise.resolve());
  });
  const [first, second] = collector.spans();
  expect(first?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(first?.parentSpanId).toBeUndefined();
  expect(second?.traceId).not.toBe(first?.traceId);
});

test('a trace that the client does not sample is not sent', async () => {
  await traced(async (tracing) => {
    await tracing.traced({ traceparent: `00-${traceId}-${parentSpanId}-00` }, async () => Promise.resolve());
  });
  expect(collector.spans()).toEqual([]);
});

test("an error is thrown on; the server's fault is an error of the span, the client's only has its code", async () => {
  const failing = (code: 'MODEL_INVALID' | 'INPUT_INVALID') => async (): Promise<never> =>
    Promise.reject(new CodedError(code, `It is ${code}.`));
  await traced(async (tracing) => {
    await expect(tracing.traced(carrier, failing('MODEL_INVALID'))).rejects.toThrow('It is MODEL_INVALID.');
    await expect(tracing.traced(carrier, failing('INPUT_INVALID'))).rejects.toThrow('It is INPUT_INVALID.');
  });
  const [servers, clients] = collector.spans();
  expect(attributesOf(servers?.attributes ?? [])).toEqual({ 'error.type': 'MODEL_INVALID' });
  expect(servers?.status).toMatchObject({ code: 2, message: 'It is MODEL_INVALID.' });
  expect(attributesOf(clients?.attributes ?? [])).toEqual({ 'error.type': 'INPUT_INVALID' });
  expect(clients?.status.code).toBe(0);
});

test('the address for traces is taken as it stands, and the service has its name', async () => {
  const tracing = await startTracing({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/otel/in`,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_SERVICE_NAME: 'serving-eu',
  });
  await tracing?.traced(carrier, async () => Promise.resolve());
  await tracing?.stop();
  expect(collector.taken[0]?.path).toBe('/otel/in');
  const resource = collector.taken[0]?.sent.resourceSpans[0]?.resource.attributes ?? [];
  expect(attributesOf(resource)['service.name']).toBe('serving-eu');
});

test('a collector that is away neither fails a request nor holds up the end for more than a few seconds', async () => {
  await collector.close();
  const tracing = await startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  expect(await tracing?.traced(carrier, async () => Promise.resolve(7))).toBe(7);
  const started = performance.now();
  await tracing?.stop();
  expect(performance.now() - started).toBeLessThan(10_000);
});
