import { rawGrpcRequest } from './floors/bare-grpc.ts';
import { binaryRequest, jsonRequest, recordRequest, type BenchRequest } from './requests.ts';

/** One thing that is measured: a request to the model server, or the same request to a floor, over so many answering processes. */
export type Side = {
  readonly name: string;
  readonly at: 'http' | 'grpc';
  readonly processes: 1 | 2;
  readonly request: BenchRequest;
};

/** A side of the server, and the floor that it is held against. */
export type Pair = { readonly server: Side; readonly floor: Side };

const infer = (endpoint: string): string => `/v2/models/${endpoint}/infer`;

type Of = Pick<Side, 'at' | 'processes'> & {
  readonly request: (endpoint: string) => BenchRequest;
  readonly endpoint?: string;
};

function pair(name: string, { at, processes, request, endpoint = 'alone' }: Of): Pair {
  // Floors know no endpoints: one floor for all sides of the same body.
  const floor = `floor of ${at} ${request('alone').body.length} bytes, ${processes}`;
  return {
    server: { name, at, processes, request: request(endpoint) },
    floor: { name: floor, at, processes, request: request('alone') },
  };
}

const json = (rows: number) => (endpoint: string) => jsonRequest(infer(endpoint), rows);
const binary = (rows: number) => (endpoint: string) => binaryRequest(infer(endpoint), rows);
const records = (endpoint: string) => recordRequest(`/endpoints/${endpoint}/predict`);
const grpc = (rows: number) => (endpoint: string) => rawGrpcRequest(endpoint, rows);

/**
 * Everything that is measured in closed loops: one answering process against one bare process, then two, as servers have on this machine unless
 * told otherwise, against two that share their port. The floor of a side that differs by its route alone is that of the plain one.
 */
export const pairs: readonly Pair[] = [
  pair('one process: REST JSON, 1 row', { at: 'http', processes: 1, request: json(1) }),
  pair('one process: gRPC, 1 row', { at: 'grpc', processes: 1, request: grpc(1) }),
  pair('REST JSON, 1 row', { at: 'http', processes: 2, request: json(1) }),
  pair('REST JSON, 32 rows', { at: 'http', processes: 2, request: json(32) }),
  pair('REST binary, 1 row', { at: 'http', processes: 2, request: binary(1) }),
  pair('REST binary, 32 rows', { at: 'http', processes: 2, request: binary(32) }),
  pair('row endpoint, 1 record', { at: 'http', processes: 2, request: records }),
  pair('gRPC, 1 row', { at: 'grpc', processes: 2, request: grpc(1) }),
  pair('gRPC, 32 rows', { at: 'grpc', processes: 2, request: grpc(32) }),
  pair('REST JSON, 1 row, with a shadow', { at: 'http', processes: 2, request: json(1), endpoint: 'shadowed' }),
  pair('REST JSON, 1 row, during a canary', { at: 'http', processes: 2, request: json(1), endpoint: 'canary' }),
];
