import { Agent, request as send } from 'node:http';
import fc from 'fast-check';
import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { type Serving, setRoute, withServing } from '../harness.ts';

/** The endpoint of all bad requests: a tiny model, so that what is measured is what stands before it. */
export const endpoint = 'flights';
export const model = { bias: -0.5, distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } };

const seed = 20_261_121;

/** A model server that nothing may bring down, and what of it says whether something did. */
export type FuzzServer = {
  readonly serving: Serving;
  readonly server: ModelServerProcess;
  readonly agent: Agent;
  /** Sends bytes; path and headers as they stand. */
  ask(path: string, body: Uint8Array | string, headers?: Readonly<Record<string, string>>): Promise<FuzzAnswer>;
  /** Throws unless the same processes as at the start answer a good request. */
  checkAlive(): Promise<void>;
  close(): Promise<void>;
};

export type FuzzAnswer = {
  readonly status: number;
  readonly text: string;
  readonly message: string;
  readonly code: string;
};

export async function openFuzzServer(): Promise<FuzzServer> {
  const serving = await withServing();
  const champion = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '1' }, model);
  await setRoute(serving.store, endpoint, { champion });
  const server = await serving.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const began = inOrder(server.answering());
  const ask: FuzzServer['ask'] = (path, body, headers = { 'content-type': 'application/json' }) =>
    post(server.url, agent, { path, body, headers });
  return {
    serving,
    server,
    agent,
    ask,
    async checkAlive() {
      const { status, text } = await ask(inferPath, JSON.stringify(goodBody()));
      if (status !== 200) throw new Error(`A good request was answered ${status}: ${text}`);
      const now = inOrder(server.answering());
      if (now !== began) throw new Error(`Processes ${began} became ${now}.`);
    },
    async close() {
      agent.destroy();
      await serving.close();
    },
  };
}

export const inferPath = `/v2/models/${endpoint}/infer`;
export const predictPath = `/endpoints/${endpoint}/predict`;
export const labelsPath = `/endpoints/${endpoint}/labels`;

export type GoodBody = {
  id: unknown;
  parameters: unknown;
  inputs: [Tensor, Tensor];
  outputs: unknown;
};
type Tensor = { name: unknown; datatype: unknown; shape: unknown; data: unknown };

/** A request that is answered 200, to be spoiled. */
export function goodBody(): GoodBody {
  return {
    id: 'good',
    parameters: {},
    inputs: [
      { name: 'numbers', datatype: 'FP32', shape: [2, 2], data: [1.2, 17, 0.5, 3] },
      { name: 'categories', datatype: 'BYTES', shape: [2, 1], data: ['SFO', 'elsewhere'] },
    ],
    outputs: [{ name: 'probability' }],
  };
}

export const goodRecord = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };

const inOrder = (pids: readonly number[]): string => pids.toSorted((a, b) => a - b).join(', ');

type Posted = {
  readonly path: string;
  readonly body: Uint8Array | string;
  readonly headers: Readonly<Record<string, string>>;
};

function post(url: string, agent: Agent, { path, body, headers }: Posted): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = send({ hostname, port, path, method: 'POST', agent, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve(answerOf(incoming.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function answerOf(status: number, text: string): FuzzAnswer {
  const { error = '', message = error, code = '' } = parsed(text);
  return { status, text, message: String(message), code: String(code) };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Checks a property with so many made-up requests, the same ones each time. */
export function always<Given>(
  given: fc.Arbitrary<Given>,
  runs: number,
  check: (given: Given) => Promise<void>,
): Promise<void> {
  return fc.assert(fc.asyncProperty(given, check), { seed, numRuns: runs });
}

/** Refused as the client's fault, with words. */
export function expectRefused(answer: FuzzAnswer): void {
  expect({ ...answer, message: answer.message.length > 10 }).toMatchObject({
    status: 400,
    code: 'INPUT_INVALID',
    message: true,
  });
}
