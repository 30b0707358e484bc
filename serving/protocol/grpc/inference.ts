import { create } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { isCoded } from '../../../domain/errors.ts';
import type { AnsweringParts } from '../../answering/parts.ts';
import type { ServingMetrics } from '../../observe/metrics.ts';
import { modelMetadata, serverMetadata } from '../metadata.ts';
import type { TensorMetadata } from '../tensors.ts';
import {
  GRPCInferenceService,
  ModelMetadataResponseSchema,
  ModelReadyResponseSchema,
  ServerLiveResponseSchema,
  ServerMetadataResponseSchema,
  ServerReadyResponseSchema,
} from './generated/inference_pb.ts';
import { callOf, credentialOf } from './infer-call.ts';
import { inferResponse } from './infer-response.ts';
import { addMethod } from './methods.ts';

/** Adds the Open Inference Protocol v2 (https://github.com/kserve/open-inference-protocol). Its model names are our endpoints. */
export function addInference(server: Server, parts: AnsweringParts, metrics: ServingMetrics): void {
  const { method } = GRPCInferenceService;
  addMethod(server, method.serverLive, { answer: () => create(ServerLiveResponseSchema, { live: true }) });
  addMethod(server, method.serverReady, { answer: () => create(ServerReadyResponseSchema, { ready: parts.open() }) });
  addMethod(server, method.serverMetadata, {
    answer: () =>
      create(ServerMetadataResponseSchema, { ...serverMetadata, extensions: [...serverMetadata.extensions] }),
  });
  addMethod(server, method.modelReady, {
    async answer({ name, version }, metadata) {
      try {
        modelMetadata(await parts.describe(name, credentialOf(metadata)), versionOf(version));
        return create(ModelReadyResponseSchema, { ready: true });
      } catch (error) {
        if (!isCoded(error, 'NOT_FOUND')) throw error;
        return create(ModelReadyResponseSchema, { ready: false });
      }
    },
  });
  addMethod(server, method.modelMetadata, {
    async answer({ name, version }, metadata) {
      const described = modelMetadata(await parts.describe(name, credentialOf(metadata)), versionOf(version));
      return create(ModelMetadataResponseSchema, {
        ...described,
        versions: [...described.versions],
        inputs: described.inputs.map(inWire),
        outputs: described.outputs.map(inWire),
      });
    },
  });
  addMethod(server, method.modelInfer, {
    async answer(request, metadata) {
      const answered = await parts.answer(callOf(request, metadata));
      return { bytes: inferResponse(answered, { raw: request.rawInputContents.length > 0 }), arm: answered.arm };
    },
    ended({ request, arm, status, seconds }) {
      const name = request?.modelName ?? '';
      // A label for each name that a client can think of would fill the memory.
      const endpoint = parts.endpoints.current(name) === null ? null : name;
      metrics.request({ endpoint, arm: arm ?? 'none', protocol: 'grpc', status, seconds });
    },
  });
}

/** The protocol's empty version is none. */
const versionOf = (version: string): string | null => (version === '' ? null : version);

const inWire = ({ shape, ...tensor }: TensorMetadata) => ({ ...tensor, shape: shape.map((length) => BigInt(length)) });
