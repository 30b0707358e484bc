import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

import { type AccessPolicy, type EndpointPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import {
  GRPCInferenceService,
  ModelInferResponseSchema,
} from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { type PolicyChange, writePolicy } from '../../../stores/policies.ts';
import { testKey } from '../../support/test-key.ts';
import type { RawClient } from '../grpc/raw-client.ts';
import { flight } from '../harness.ts';

export const { method } = GRPCInferenceService;

export type Headers = Readonly<Record<string, string>>;

/** An answer as its client sees all of it. */
export type Seen = {
  /** HTTP's, or for gRPC what REST would have said. */
  readonly status: number;
  readonly code: string | null;
  /** Body and headers, or gRPC's message and trailers. */
  readonly text: string;
};

/** One way to ask something of an endpoint. */
export type Way = { readonly name: string; readonly ask: (endpoint: string, headers: Headers) => Promise<Seen> };

const grpcStatuses: Readonly<Record<string, number>> = {
  OK: 200,
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
};

export async function overHttp(
  url: string,
  path: string,
  options: { readonly method?: string; readonly headers?: Headers; readonly body?: unknown } = {},
): Promise<Seen> {
  const { method: verb = options.body === undefined ? 'GET' : 'POST', headers = {}, body } = options;
  const bytes = body === undefined ? null : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
  const typed = bytes === null ? headers : { 'content-type': 'application/json', ...headers };
  const answer = await fetch(`${url}${path}`, { method: verb, headers: typed, body: bytes });
  const text = await answer.text();
  const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? null;
  return { status: answer.status, code, text: `${text} ${JSON.stringify([...answer.headers])}` };
}

export async function overGrpc(
  client: RawClient,
  asked: 'modelInfer' | 'modelMetadata' | 'modelReady',
  request: MessageInitShape<DescMessage>,
  headers: Headers,
): Promise<Seen> {
  const path = `/${GRPCInferenceService.typeName}/${method[asked].name}`;
  const schema: DescMessage = method[asked].input;
  const bytes = toBinary(schema, create(schema, request));
  const { code, message, trailers, response } = await client.send(path, bytes, headers);
  const answered =
    asked === 'modelInfer' && code === 'OK' ? toText(fromBinary(ModelInferResponseSchema, response)) : '';
  return {
    status: grpcStatuses[code] ?? 500,
    code: typeof trailers['perdura-code'] === 'string' ? trailers['perdura-code'] : null,
    text: `${message} ${toText(trailers)} ${answered}`,
  };
}

const toText = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));

/** Tensors of one row of a tiny model, and the same row as a record. */
export const restTensors = [
  { name: 'numbers', datatype: 'FP32', shape: [1, 2], data: [1.2, 17] },
  { name: 'categories', datatype: 'BYTES', shape: [1, 1], data: ['SFO'] },
];
export const grpcTensors = [
  { name: 'numbers', datatype: 'FP32', shape: [1n, 2n], contents: { fp32Contents: [1.2, 17] } },
  { name: 'categories', datatype: 'BYTES', shape: [1n, 1n], contents: { bytesContents: [Buffer.from('SFO')] } },
];
export const restRecords = (...records: readonly unknown[]) => [
  { name: 'records', datatype: 'BYTES', shape: [records.length], data: records.map((each) => JSON.stringify(each)) },
];
export const grpcRecords = (...records: readonly unknown[]) => [
  {
    name: 'records',
    datatype: 'BYTES',
    shape: [BigInt(records.length)],
    contents: { bytesContents: records.map((each) => Buffer.from(JSON.stringify(each))) },
  },
];

/** A request whose tensors follow the JSON as bytes. */
export function binaryRecord(record: unknown): { readonly body: Uint8Array; readonly headers: Headers } {
  const text = Buffer.from(JSON.stringify(record));
  const bytes = Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer), text]);
  const parameters = { binary_data_size: bytes.length };
  const json = Buffer.from(
    JSON.stringify({ inputs: [{ name: 'records', datatype: 'BYTES', shape: [1], parameters }] }),
  );
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(json.length),
  };
  return { body: Buffer.concat([json, bytes]), headers };
}

/** All ways in which an endpoint can be read or asked. */
export function everyWay(url: string, client: RawClient): readonly Way[] {
  const http = (name: string, path: (endpoint: string) => string, body?: unknown, verb?: string): Way => ({
    name,
    ask: (endpoint, headers) =>
      overHttp(url, path(endpoint), { headers, body, ...(verb === undefined ? {} : { method: verb }) }),
  });
  const grpc = (asked: Parameters<typeof overGrpc>[1], inputs?: typeof grpcTensors): Way => ({
    name: `gRPC ${asked}${inputs === undefined ? '' : ` of ${String(inputs[0]?.name)}`}`,
    ask: (endpoint, headers) =>
      overGrpc(client, asked, inputs === undefined ? { name: endpoint } : { modelName: endpoint, inputs }, headers),
  });
  return [
    http('tensors', (name) => `/v2/models/${name}/infer`, { inputs: restTensors }),
    http('records', (name) => `/v2/models/${name}/infer`, { inputs: restRecords(flight) }),
    http('a version', (name) => `/v2/models/${name}/versions/1/infer`, { inputs: restTensors }),
    http('metadata', (name) => `/v2/models/${name}`),
    http("a version's metadata", (name) => `/v2/models/${name}/versions/1`),
    http('readiness', (name) => `/v2/models/${name}/ready`),
    http('a record', (name) => `/endpoints/${name}/predict`, { record: flight }),
    http('labels', (name) => `/endpoints/${name}/labels`, { labels: [{ requestId: 'r', label: 1 }] }),
    http('the status', (name) => `/endpoints/${name}`),
    http('the OpenAPI document', (name) => `/endpoints/${name}/openapi.json`),
    http('the head of the status', (name) => `/endpoints/${name}`, undefined, 'HEAD'),
    grpc('modelInfer', grpcTensors),
    grpc('modelInfer', grpcRecords(flight)),
    grpc('modelMetadata'),
    grpc('modelReady'),
  ];
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** An API key of a policy. */
export const apiKey = (
  key: string,
  differing: Partial<AccessPolicy['apiKeys'][number]> = {},
): AccessPolicy['apiKeys'][number] => ({
  name: `name-of-${key}`,
  sha256: sha256(key),
  tester: false,
  requestsPerSecond: null,
  ...differing,
});

/** Declares sections of an endpoint's policy. */
export async function setPolicy(
  store: ObjectStore,
  endpoint: string,
  sections: Omit<PolicyChange, 'who' | 'why'>,
): Promise<EndpointPolicy> {
  const { log, review, access, limits } = openPolicy(endpoint);
  const change = { log, review, access, limits, ...sections, who: 'test', why: 'test' };
  return writePolicy(store, endpoint, change, { at: new Date().toISOString(), key: await testKey() });
}

/** The files below a folder that hold a text as it is. */
export async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const found: string[] = [];
  for (const file of files) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.includes(text)) found.push(file);
  }
  return found;
}
