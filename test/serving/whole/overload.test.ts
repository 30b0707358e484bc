import { Agent, request } from 'node:http';

import { Client as Channel, credentials, status } from '@grpc/grpc-js';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelInferRequestSchema } from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import {
  flight,
  get,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  withServing,
} from '../harness.ts';
import { residentBytes } from './processes.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;
/** Each keeps a processor for so long: two processes answer about 65 a second. */
const spinMs = 30;
const overloadMs = 3_000;

let serving: Serving;

beforeAll(async () => {
  serving = await withServing();
  const busy = await putTinyPackage(serving.store, { model: 'busy', modelVersion: '1' }, { bias: 0, spinMs });
  await setRoute(serving.store, 'busy', { champion: busy });
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

type Outcome = { readonly id: string; readonly status: number | string; readonly retryAfter: string | undefined };

function ask(url: string, agent: Agent, id: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const sending = request(`${url}/endpoints/busy/predict`, { method: 'POST', agent, headers }, (response) => {
      const retryAfter = response.headers['retry-after'];
      response.resume().once('end', () => resolve({ id, status: response.statusCode ?? 0, retryAfter }));
    });
    sending.once('error', (error) => resolve({ id, status: error.message, retryAfter: undefined }));
    sending.end(JSON.stringify({ requestId: id, record: flight }));
  });
}

const frame = Buffer.from(
  toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: 'busy',
      inputs: [
        { name: 'numbers', datatype: 'FP32', shape: [1n, 2n], contents: { fp32Contents: [1, 2] } },
        { name: 'categories', datatype: 'BYTES', shape: [1n, 1n], contents: { bytesContents: [Buffer.from('SFO')] } },
      ],
    }),
  ),
);

/** A call's code, and the server's word on when to come again. */
function call(channel: Channel): Promise<Outcome> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const method = '/inference.GRPCInferenceService/ModelInfer';
  return new Promise((resolve) => {
    channel.makeUnaryRequest(method, asIs, asIs, frame, { deadline: Date.now() + 30_000 }, (error) => {
      const retryAfter = error?.metadata?.get('retry-after')[0]?.toString();
      resolve({ id: '', status: error === null ? status.OK : error.code, retryAfter });
    });
  });
}

async function over(clients: number, one: (client: number) => Promise<Outcome>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const end = Date.now() + overloadMs;
  const client = async (_: unknown, index: number): Promise<void> => {
    while (Date.now() < end) {
      const outcome = await one(index);
      outcomes.push(outcome);
      // Clients of an overloaded server that come again at once would be nothing but its load.
      if (outcome.retryAfter !== undefined) await new Promise((done) => setTimeout(done, 20));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return outcomes;
}

test(
  'under many times the load that it can bear it answers some and tells the others to come again, keeps its memory, and recovers',
  async () => {
    const server = await serving.start({ maxInFlight: 32 });
    expect((await post(server.url, '/endpoints/busy/predict', { requestId: 'warm', record: flight })).status).toBe(200);
    const agent = new Agent({ keepAlive: true, maxSockets: 400 });
    const channels = Array.from({ length: 4 }, () => {
      return new Channel(server.grpcUrl, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    });
    let next = 0;
    await over(200, () => ask(server.url, agent, `warm-${next++}`));
    const before = residentBytes(server.answering());
    const rest = await over(400, () => ask(server.url, agent, `over-${next++}`));
    const grpc = await over(200, (client) => call(channels[client % 4] as Channel));
    const after = residentBytes(server.answering());
    const kinds = (all: readonly Outcome[]) => [...new Set(all.map((each) => String(each.status)))].toSorted();
    const figures = (all: readonly Outcome[]) =>
      kinds(all).map((kind) => `${kind}: ${all.filter((each) => String(each.status) === kind).length}`);
    console.info(figures(rest).join(', '), '|', figures(grpc).join(', '), '|', (after - before) / 1e6, 'MB');
    expect(kinds(rest)).toEqual(['200', '429']);
    expect(kinds(grpc)).toEqual([String(status.OK), String(status.RESOURCE_EXHAUSTED)]);
    const refused = [...rest, ...grpc].filter(
      (each) => each.status === 429 || each.status === status.RESOURCE_EXHAUSTED,
    );
    expect(refused.filter(({ retryAfter }) => !(Number(retryAfter) >= 1))).toEqual([]);
    expect(after - before).toBeLessThan(100e6);

    const ended = performance.now();
    const answered = async () => (await post(server.url, '/endpoints/busy/predict', { record: flight })).status === 200;
    await until('it answers again', answered, { atMostMs: 5_000 });
    console.info(`recovered after ${Math.round(performance.now() - ended)} ms`);
    expect(server.answering()).toHaveLength(2);
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/perdura_\w*overload\w*\{[^}]*\} [1-9]/);
    expect((await get(server.adminUrl, '/live')).status).toBe(200);
    agent.destroy();
    for (const channel of channels) channel.close();
    await server.stop();
    expect(segmentsLeft(serving)).toBe(0);
    const logged = new Set((await rowsInBucket(serving, 'inference/busy/')).map(({ requestId }) => requestId));
    const answeredIds = rest.filter((each) => each.status === 200).map(({ id }) => id);
    const refusedIds = rest.filter((each) => each.status === 429).map(({ id }) => id);
    expect(answeredIds.filter((id) => !logged.has(id))).toEqual([]);
    expect(refusedIds.filter((id) => logged.has(id))).toEqual([]);
  },
  atMostMs,
);
