import { Agent, request } from 'node:http';

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from '../serving/protocol/grpc/generated/inference_pb.ts';

/** One flight's answer, or what went wrong with it. */
export type FlightAnswer = { readonly modelVersion: string } | { readonly problem: string };

/** Asks an endpoint about one raw record at a time. */
export type FlightClient = {
  readonly protocol: 'rest' | 'grpc';
  ask(requestId: string, record: unknown): Promise<FlightAnswer>;
  close(): void;
};

const inferPath = '/inference.GRPCInferenceService/ModelInfer';
const deadlineMs = 30_000;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Records as JSON at the row endpoint. */
export function restClient(url: string, endpoint: string): FlightClient {
  return {
    protocol: 'rest',
    async ask(requestId, record) {
      const answer = await post(`${url}/endpoints/${endpoint}/predict`, { requestId, record });
      if (answer.status !== 200) return { problem: `${answer.status} ${answer.body}` };
      return JSON.parse(answer.body) as { readonly modelVersion: string };
    },
    close: () => undefined,
  };
}

/** The same records over the Open Inference Protocol on gRPC, as its one input `records`. */
export function grpcClient(address: string, endpoint: string): FlightClient {
  const client = new Client(address, credentials.createInsecure());
  const serialize = (message: ModelInferRequest): Buffer => Buffer.from(toBinary(ModelInferRequestSchema, message));
  const deserialize = (bytes: Buffer) => fromBinary(ModelInferResponseSchema, bytes);
  return {
    protocol: 'grpc',
    ask(requestId, record) {
      const contents = { bytesContents: [Buffer.from(JSON.stringify(record))] };
      const message = create(ModelInferRequestSchema, {
        modelName: endpoint,
        id: requestId,
        inputs: [{ name: 'records', datatype: 'BYTES', shape: [1n], contents }],
      });
      return new Promise((resolve) => {
        const deadline = Date.now() + deadlineMs;
        client.makeUnaryRequest(inferPath, serialize, deserialize, message, { deadline }, (error, answer) => {
          // A call that fails is a failed request: counted, not thrown.
          if (answer === undefined) resolve({ problem: error?.message ?? 'no answer' });
          else resolve({ modelVersion: answer.modelVersion });
        });
      });
    },
    close: () => client.close(),
  };
}

/** Posts JSON. A connection that breaks is a failed request: counted, not thrown. */
export function post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: string }> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      let answer = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => (answer += part));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: answer }));
    });
    outgoing.on('error', (error) => resolve({ status: 0, body: error.message }));
    outgoing.end(text);
  });
}
