import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client as Channel, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from '../../serving/protocol/grpc/generated/inference_pb.ts';
import type { Asked, Came, Client } from './steady-load.ts';

const timeoutMs = 20_000;
const method = '/inference.GRPCInferenceService/ModelInfer';
const asIs = (bytes: Buffer): Buffer => bytes;
/** What grpc-js says of a connection that broke under a call; a server that answers UNAVAILABLE says something else. */
const cut = /Connection dropped|ECONNRESET|EPIPE|socket hang up|read ECONN/i;

/** A client of gRPC over several channels, as one that wants more than one process of a server must have; repeats on a new channel. */
export function grpcClient(address: string): Client {
  const open = (): Channel =>
    new Channel(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const channels = Array.from({ length: 4 }, open);
  let turn = 0;
  return {
    protocol: 'gRPC',
    ask: (asked) => ask(channels[(turn += 1) % channels.length] ?? open(), asked),
    async again(asked) {
      const channel = open();
      const came = await ask(channel, asked);
      channel.close();
      return came;
    },
    close: () => channels.forEach((channel) => channel.close()),
  };
}

function ask(channel: Channel, asked: Asked): Promise<Came> {
  const message = create(ModelInferRequestSchema, {
    modelName: asked.endpoint,
    id: asked.id,
    inputs: [
      { name: 'numbers', datatype: 'FP32', shape: [1n, 2n], contents: { fp32Contents: [...asked.numbers] } },
      {
        name: 'categories',
        datatype: 'BYTES',
        shape: [1n, 1n],
        contents: { bytesContents: [Buffer.from(asked.origin)] },
      },
    ],
  });
  const bytes = Buffer.from(toBinary(ModelInferRequestSchema, message));
  return new Promise((resolve) => {
    channel.makeUnaryRequest(method, asIs, asIs, bytes, { deadline: Date.now() + timeoutMs }, (error, answer) =>
      resolve(error === null && answer !== undefined ? cameOf(answer) : failureOf(error)),
    );
  });
}

function cameOf(bytes: Buffer): Came {
  const { id, modelVersion, outputs, rawOutputContents } = fromBinary(ModelInferResponseSchema, bytes);
  const raw = rawOutputContents[0];
  const typed = outputs[0]?.contents?.fp32Contents[0];
  return {
    kind: 'answered',
    id,
    modelVersion,
    output: raw === undefined ? (typed ?? Number.NaN) : Buffer.from(raw).readFloatLE(),
  };
}

function failureOf(error: ServiceError | null): Came {
  if (error === null) return { kind: 'failed', why: 'neither an answer nor an error' };
  if (error.code === status.UNAVAILABLE && cut.test(error.details)) return { kind: 'cut' };
  return { kind: 'failed', why: `gRPC ${error.code} ${error.details}` };
}
