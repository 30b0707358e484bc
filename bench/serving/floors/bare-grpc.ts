import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { forestColumns } from '../forest.ts';
import { grpcRequest, type BenchRequest, benchRows, idPlace } from '../requests.ts';
import type { ForestSession } from './forest-session.ts';

type Answer = MessageInitShape<typeof ModelInferResponseSchema>;

/** The full name of the call that is measured. */
export const inferMethod = '/inference.GRPCInferenceService/ModelInfer';

/** A request with its tensor as raw bytes, which is what Triton's client sends. */
export function rawGrpcRequest(endpoint: string, rows: number): BenchRequest {
  const values = benchRows(rows);
  const message = create(ModelInferRequestSchema, {
    modelName: endpoint,
    id: idPlace,
    inputs: [{ name: 'numbers', datatype: 'FP32', shape: [BigInt(rows), BigInt(forestColumns.length)] }],
    rawInputContents: [new Uint8Array(values.buffer)],
  });
  return grpcRequest(inferMethod, toBinary(ModelInferRequestSchema, message));
}

/** The floor of gRPC: a grpc-js handler with the model server's own codec and `session.run`. Resolves with its port. */
export async function listenBareGrpc(session: ForestSession): Promise<number> {
  const server = new Server();
  const infer = (call: ServerUnaryCall<ModelInferRequest, Answer>, answer: sendUnaryData<Answer>): void => {
    const { id, rawInputContents } = call.request;
    const bytes = new Uint8Array(rawInputContents[0] ?? []);
    void session.run(new Float32Array(bytes.buffer)).then((output) => {
      const shape = [BigInt(output.length), 1n];
      const raw = new Uint8Array(output.buffer, output.byteOffset, output.byteLength);
      answer(null, {
        modelName: 'forest',
        modelVersion: '1',
        id,
        outputs: [{ name: 'probability', datatype: 'FP32', shape }],
        rawOutputContents: [raw],
      });
    });
  };
  const codec = {
    path: inferMethod,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: ModelInferRequest) => Buffer.from(toBinary(ModelInferRequestSchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(ModelInferRequestSchema, bytes),
    responseSerialize: (message: Answer) =>
      Buffer.from(toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, message))),
    responseDeserialize: (bytes: Buffer) => fromBinary(ModelInferResponseSchema, bytes),
  };
  server.addService({ infer: codec }, { infer });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
