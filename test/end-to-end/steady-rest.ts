import { Agent, request as send } from 'node:http';
import type { Asked, Came, Client } from './steady-load.ts';

const timeoutMs = 20_000;
/** What a client sees of a process that was killed under it; anything else is no reason to repeat a request. */
const cut = new Set(['ECONNRESET', 'EPIPE']);

/** A client of REST that keeps its connections, and repeats on a new one what a killed process did not answer. */
export function restClient(url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return {
    protocol: 'REST',
    ask: (asked) => ask(url, agent, asked),
    again: (asked) => ask(url, false, asked),
    close: () => agent.destroy(),
  };
}

function ask(url: string, agent: Agent | false, asked: Asked): Promise<Came> {
  const body = JSON.stringify({
    id: asked.id,
    inputs: [
      { name: 'numbers', datatype: 'FP32', shape: [1, 2], data: asked.numbers },
      { name: 'categories', datatype: 'BYTES', shape: [1, 1], data: [asked.origin] },
    ],
  });
  return new Promise((resolve) => {
    const outgoing = send(`${url}/v2/models/${asked.endpoint}/infer`, { method: 'POST', agent, timeout: timeoutMs });
    outgoing.setHeader('content-type', 'application/json');
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve(
        cut.has(error.code ?? '') ? { kind: 'cut' } : { kind: 'failed', why: `${String(error.code)} ${error.message}` },
      ),
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', () => resolve({ kind: 'cut' }));
      incoming.on('end', () => resolve(cameOf(incoming.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
    });
    outgoing.end(body);
  });
}

type InferAnswer = {
  readonly id: string;
  readonly model_version: string;
  readonly outputs: readonly { readonly data: readonly number[] }[];
};

function cameOf(status: number, text: string): Came {
  if (status !== 200) return { kind: 'failed', why: `${status} ${text}` };
  const answer = JSON.parse(text) as InferAnswer;
  const { id, model_version: modelVersion, outputs } = answer;
  return { kind: 'answered', id, modelVersion, output: outputs[0]?.data[0] ?? Number.NaN };
}
