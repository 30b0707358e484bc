import { noCounts } from '../../../serving/endpoint-status.ts';
import { aggregate } from '../../../serving/observe/aggregate.ts';
import { createMetrics, type MetricsRole, type ProcessMetrics } from '../../../serving/observe/create-metrics.ts';
import { type Family, openParser, valueOf } from './prometheus-parser.ts';

let parse: Awaited<ReturnType<typeof openParser>>;
beforeAll(async () => {
  parse = await openParser();
}, 120_000);

const made: ProcessMetrics[] = [];
afterEach(() => {
  for (const metrics of made.splice(0)) metrics.close();
});

function metricsOf(role: MetricsRole): ProcessMetrics {
  const metrics = createMetrics(role);
  made.push(metrics);
  return metrics;
}

async function read(...all: readonly ProcessMetrics[]): Promise<readonly Family[]> {
  return parse(await aggregate(await Promise.all(all.map((metrics) => metrics.json()))));
}

const asked = { endpoint: 'flights', arm: 'champion', protocol: 'rest', status: 200, seconds: 0.003 } as const;

test('requests are counted by endpoint, arm, protocol and status; a name that is no endpoint has an empty one', async () => {
  const metrics = metricsOf('answering');
  metrics.request(asked);
  metrics.request(asked);
  metrics.request({ ...asked, status: 422 });
  metrics.request({ ...asked, protocol: 'grpc' });
  metrics.request({ ...asked, endpoint: null, status: 404 });
  const families = await read(metrics);
  const count = (labels: Readonly<Record<string, string>>): number =>
    valueOf(families, 'perdura_requests_total', labels);
  expect(count({ endpoint: 'flights', arm: 'champion', protocol: 'rest', status: '200' })).toBe(2);
  expect(count({ status: '422' })).toBe(1);
  expect(count({ protocol: 'grpc' })).toBe(1);
  expect(count({ endpoint: '', status: '404' })).toBe(1);
});

test('latencies fall into buckets whose upper bound is theirs or the next', async () => {
  const metrics = metricsOf('answering');
  for (const seconds of [0.0005, 0.0006, 0.003, 0.2, 60]) metrics.request({ ...asked, seconds });
  const families = await read(metrics);
  const upTo = (le: string): number => valueOf(families, 'perdura_request_seconds_bucket', { le });
  expect([upTo('0.0005'), upTo('0.001'), upTo('0.0025'), upTo('0.005')]).toEqual([1, 2, 2, 3]);
  expect([upTo('0.1'), upTo('0.25'), upTo('10'), upTo('+Inf')]).toEqual([3, 4, 4, 5]);
  expect(valueOf(families, 'perdura_request_seconds_count')).toBe(5);
  expect(valueOf(families, 'perdura_request_seconds_sum')).toBeCloseTo(60.2041, 9);
});

test('reading twice counts nothing twice', async () => {
  const metrics = metricsOf('answering');
  metrics.request(asked);
  await metrics.json();
  metrics.request(asked);
  const families = await read(metrics);
  expect(valueOf(families, 'perdura_requests_total')).toBe(2);
  expect(valueOf(families, 'perdura_request_seconds_count')).toBe(2);
});

test('runs of a model are counted with their rows, their time and who waits', async () => {
  const metrics = metricsOf('host');
  metrics.run({ model: 'flights/3', rows: 1, waiting: 40, seconds: 0.01 });
  metrics.run({ model: 'flights/3', rows: 33, waiting: 7, seconds: 0.02 });
  const families = await read(metrics);
  expect(valueOf(families, 'perdura_model_run_seconds_count', { model: 'flights/3' })).toBe(2);
  expect(valueOf(families, 'perdura_batch_rows_sum')).toBe(34);
  expect(valueOf(families, 'perdura_batch_rows_bucket', { le: '32' })).toBe(1);
  expect(valueOf(families, 'perdura_queue_rows')).toBe(7);
});

test('of several processes counts and memory are added up, the oldest epoch and the worst lag are shown', async () => {
  const [one, two, host] = [metricsOf('answering'), metricsOf('answering'), metricsOf('host')];
  one.request(asked);
  two.request(asked);
  one.inForce('flights', { route: 5, policy: 2 });
  two.inForce('flights', { route: 4, policy: 2 });
  one.watchInFlight(() => 3);
  two.watchInFlight(() => 4);
  const families = await read(one, two, host);
  expect(valueOf(families, 'perdura_requests_total')).toBe(2);
  expect(valueOf(families, 'perdura_processes', { role: 'answering' })).toBe(2);
  expect(valueOf(families, 'perdura_endpoint_epoch', { endpoint: 'flights', of: 'route' })).toBe(4);
  expect(valueOf(families, 'perdura_in_flight_requests', { role: 'answering' })).toBe(7);
  const memory = (role: string): number => valueOf(families, 'perdura_resident_memory_bytes', { role });
  expect(memory('answering') / memory('host')).toBeCloseTo(2, 1);
  expect(valueOf(families, 'perdura_event_loop_lag_max_seconds', { role: 'host' })).toBeGreaterThanOrEqual(0);
  expect(valueOf(families, 'perdura_cpu_seconds_total', { role: 'host' })).toBeGreaterThan(0);
});

test('an endpoint that is in force no more has no epoch', async () => {
  const metrics = metricsOf('control');
  metrics.inForce('flights', { route: 5, policy: 2 });
  metrics.inForce('flights', null);
  expect(() => valueOf([], 'perdura_endpoint_epoch')).toThrow('0 samples');
  const families = await read(metrics);
  expect(() => valueOf(families, 'perdura_endpoint_epoch')).toThrow('0 samples');
});

test("an endpoint's counters are shown as they stand and never fall", async () => {
  const metrics = metricsOf('control');
  metrics.counted('flights', { ...noCounts(), answered: 10, shadowDropped: 2 });
  metrics.counted('flights', { ...noCounts(), answered: 7, shadowDropped: 2 });
  metrics.counted('flights', { ...noCounts(), answered: 12, shadowDropped: 3 });
  const families = await read(metrics);
  const events = (what: string): number => valueOf(families, 'perdura_endpoint_events_total', { what });
  expect([events('answered'), events('shadow_dropped'), events('logged')]).toEqual([12, 3, 0]);
});

test('refusals by back-pressure, replaced processes and switches are counted', async () => {
  const metrics = metricsOf('control');
  metrics.overloaded('event-loop');
  metrics.replaced('answering', 'died');
  metrics.switched('flights', 'applied', 0.4);
  const families = await read(metrics);
  expect(valueOf(families, 'perdura_overloaded_total', { reason: 'event-loop' })).toBe(1);
  expect(valueOf(families, 'perdura_processes_replaced_total', { role: 'answering', why: 'died' })).toBe(1);
  expect(valueOf(families, 'perdura_switch_seconds_count', { outcome: 'applied' })).toBe(1);
});

test('the documentation lists the metrics that there are, each with its type', async () => {
  const metrics = metricsOf('answering');
  const control = metricsOf('control');
  metrics.request(asked);
  metrics.run({ model: 'flights/3', rows: 1, waiting: 0, seconds: 0.01 });
  metrics.overloaded('queue');
  metrics.inForce('flights', { route: 1, policy: 0 });
  control.counted('flights', noCounts());
  control.replaced('host', 'died');
  control.switched('flights', 'refused', 1);
  const { readFile } = await import('node:fs/promises');
  const page = await readFile(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `(perdura_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
  const families = await read(metrics, control);
  // The parser takes a counter's name without its ending.
  const there = families.map(({ name, type }) => `${type === 'counter' ? `${name}_total` : name} ${type}`);
  expect(listed.toSorted()).toEqual(there.toSorted());
});
