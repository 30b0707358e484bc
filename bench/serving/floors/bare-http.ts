import { createServer } from 'node:http';
import { forestColumns } from '../forest.ts';
import type { ForestSession } from './forest-session.ts';

type Parsed = { readonly id: string; readonly numbers: Float32Array };
type JsonBody = { readonly id: string; readonly inputs: readonly [{ readonly data: readonly number[] }] };

/**
 * The floor of REST: `node:http`, one `JSON.parse`, `session.run`, an answer of the same form. It checks nothing, logs nothing, chooses no arm.
 * Resolves with its port.
 */
export function listenBareHttp(session: ForestSession): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const head = request.headers['inference-header-content-length'];
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const binary = typeof head === 'string';
      const parsed = binary ? parseBinary(body, Number(head)) : parseJson(request.url ?? '', body);
      void session.run(parsed.numbers).then((output) => {
        const bytes = binary ? binaryAnswer(parsed.id, output) : Buffer.from(jsonAnswer(parsed.id, output));
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
        response.end(bytes);
      });
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function parseJson(url: string, body: Buffer): Parsed {
  const json: unknown = JSON.parse(body.toString('utf8'));
  if (url.startsWith('/endpoints/')) {
    const { requestId, record } = json as { requestId: string; record: Record<string, number> };
    return { id: requestId, numbers: Float32Array.from(forestColumns, (name) => record[name] ?? Number.NaN) };
  }
  const { id, inputs } = json as JsonBody;
  return { id, numbers: Float32Array.from(inputs[0].data) };
}

function parseBinary(body: Buffer, headBytes: number): Parsed {
  const { id } = JSON.parse(body.toString('utf8', 0, headBytes)) as { id: string };
  const bytes = new Uint8Array(body.length - headBytes);
  bytes.set(body.subarray(headBytes));
  return { id, numbers: new Float32Array(bytes.buffer) };
}

function outputOf(output: Float32Array): Readonly<Record<string, unknown>> {
  return { name: 'probability', datatype: 'FP32', shape: [output.length, 1] };
}

function jsonAnswer(id: string, output: Float32Array): string {
  const outputs = [{ ...outputOf(output), data: Array.from(output) }];
  return JSON.stringify({ model_name: 'forest', model_version: '1', id, outputs });
}

function binaryAnswer(id: string, output: Float32Array): Buffer {
  const outputs = [{ ...outputOf(output), parameters: { binary_data_size: output.byteLength } }];
  const head = JSON.stringify({ model_name: 'forest', model_version: '1', id, outputs });
  return Buffer.concat([Buffer.from(head), Buffer.from(output.buffer, output.byteOffset, output.byteLength)]);
}
