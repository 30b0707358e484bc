import { forestColumns, mulberry } from './forest.ts';

/** A request as the load generator sends it: bytes, and where in them each request writes an id of its own. */
export type BenchRequest =
  | {
      readonly protocol: 'http';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      readonly idAt: number;
    }
  | { readonly protocol: 'grpc'; readonly method: string; readonly body: Uint8Array; readonly idAt: number };

/** What stands in a body until an id of the same length takes its place. */
export const idPlace = 'bench-0000000000';

/** Seeded rows of the forest's numbers, row-major; FP32, so that JSON and binary say the same. */
export function benchRows(rows: number): Float32Array {
  const chance = mulberry(rows);
  return Float32Array.from({ length: rows * forestColumns.length }, () => Math.round(chance() * 1e4) / 1e4);
}

/** Open Inference Protocol v2, JSON tensors. */
export function jsonRequest(path: string, rows: number): BenchRequest {
  // As decimal text of four places, which rounds back to the same FP32.
  const data = Array.from(benchRows(rows), (value) => Number(value.toFixed(4)));
  const input = { name: 'numbers', shape: [rows, forestColumns.length], datatype: 'FP32', data };
  return http(
    path,
    { 'content-type': 'application/json' },
    Buffer.from(JSON.stringify({ id: idPlace, inputs: [input] })),
  );
}

/** The binary tensor data extension, as Triton has it: a JSON header, then the bytes of the tensors. */
export function binaryRequest(path: string, rows: number): BenchRequest {
  const values = benchRows(rows);
  const input = {
    name: 'numbers',
    shape: [rows, forestColumns.length],
    datatype: 'FP32',
    parameters: { binary_data_size: values.byteLength },
  };
  const head = Buffer.from(JSON.stringify({ id: idPlace, inputs: [input], parameters: { binary_data_output: true } }));
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(head.length),
  };
  return http(path, headers, Buffer.concat([head, Buffer.from(values.buffer)]));
}

/** The row endpoint: one raw record. */
export function recordRequest(path: string): BenchRequest {
  const values = benchRows(1);
  const record = Object.fromEntries(forestColumns.map((name, at) => [name, Number(values[at]?.toFixed(4))]));
  return http(
    path,
    { 'content-type': 'application/json' },
    Buffer.from(JSON.stringify({ requestId: idPlace, record })),
  );
}

/** A gRPC message that the codec has encoded, with `idPlace` as its id. */
export function grpcRequest(method: string, message: Uint8Array): BenchRequest {
  return { protocol: 'grpc', method, body: message, idAt: placeOf(message) };
}

function http(path: string, headers: Readonly<Record<string, string>>, body: Buffer): BenchRequest {
  return { protocol: 'http', path, headers, body, idAt: placeOf(body) };
}

function placeOf(body: Uint8Array): number {
  const at = Buffer.from(body).indexOf(idPlace);
  if (at < 0) throw new Error(`The body does not hold ${idPlace}.`);
  return at;
}
