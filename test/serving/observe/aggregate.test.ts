import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { aggregate, createMetricsTotals, metricsContentType } from '../../../serving/observe/aggregate.ts';
import { type Family, openParser, valueOf } from './prometheus-parser.ts';

let parse: Awaited<ReturnType<typeof openParser>>;
beforeAll(async () => {
  parse = await openParser();
}, 120_000);

const module = new URL('../../../dist/serving/observe/create-metrics.js', import.meta.url).href;
/** Counts as many requests as it is told, and answers with its metrics. */
const counting = `
import { createMetrics } from '${module}';
const metrics = createMetrics('answering');
process.on('message', async (requests) => {
  for (let index = 0; index < requests; index += 1) {
    metrics.request({ endpoint: 'flights', arm: 'champion', protocol: 'rest', status: 200, seconds: 0.002 });
  }
  process.send(await metrics.json());
});
process.on('disconnect', () => process.exit(0));
`;

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
});

function countingProcess(): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', counting], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  children.push(child);
  return child;
}

async function count(child: ChildProcess, requests: number): Promise<readonly object[]> {
  child.send(requests);
  const [metrics] = (await once(child, 'message')) as [readonly object[]];
  return metrics;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const answered = (families: readonly Family[]): number =>
  valueOf(families, 'perdura_requests_total', { status: '200' });
const inBucket = (families: readonly Family[]): number =>
  valueOf(families, 'perdura_request_seconds_bucket', { le: '0.0025' });

test('counters and histograms only grow while processes are killed and replaced', async () => {
  const totals = createMetricsTotals();
  const [one, two] = [countingProcess(), countingProcess()];
  totals.reported('one', await count(one, 100));
  totals.reported('two', await count(two, 10));
  const before = parse(await totals.text());
  expect([answered(before), inBucket(before)]).toEqual([110, 110]);

  await killed(one);
  totals.ended('one');
  const between = parse(await totals.text());
  expect([answered(between), inBucket(between)]).toEqual([110, 110]);
  expect(valueOf(between, 'perdura_processes')).toBe(1);

  const three = countingProcess();
  totals.reported('three', await count(three, 1));
  totals.reported('two', await count(two, 5));
  const after = parse(await totals.text());
  expect([answered(after), inBucket(after)]).toEqual([116, 116]);

  await killed(three);
  totals.ended('three');
  totals.ended('three');
  const last = parse(await totals.text());
  expect([answered(last), inBucket(last)]).toEqual([116, 116]);
  expect(valueOf(last, 'perdura_cpu_seconds_total')).toBeGreaterThanOrEqual(
    valueOf(after, 'perdura_cpu_seconds_total') - 1e-9,
  );
});

test('a process that ended without a report leaves nothing', async () => {
  const totals = createMetricsTotals();
  totals.ended('never seen');
  expect(parse(await totals.text())).toEqual([]);
});

test('no report at all is an empty, valid text of the format 0.0.4', async () => {
  expect(parse(await aggregate([]))).toEqual([]);
  expect(metricsContentType).toContain('version=0.0.4');
});

test('labels with quotes, backslashes and line ends come out as they went in', async () => {
  const name = 'a"b\\c\nd';
  const metric = {
    name: 'perdura_x',
    help: 'A "help"\nwith lines.',
    type: 'gauge',
    aggregator: 'max',
    values: [{ labels: { name }, value: 1.5 }],
  };
  expect(valueOf(parse(await aggregate([[metric], [metric]])), 'perdura_x', { name })).toBe(1.5);
});
