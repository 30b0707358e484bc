import { create } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { CodedError } from '../../../domain/errors.ts';
import type { AnsweringParts } from '../../answering/parts.ts';
import { Health, HealthCheckResponseSchema } from './generated/health_pb.ts';
import { GRPCInferenceService } from './generated/inference_pb.ts';
import { addMethod } from './methods.ts';

/** The protocol's ServingStatus. */
const [serving, notServing] = [1, 2];

/** Adds gRPC's health check, which Kubernetes and KServe probe with: of the server (empty name) and of the inference service. */
export function addHealth(server: Server, parts: AnsweringParts): void {
  addMethod(server, Health.method.check, {
    answer: ({ service }) => {
      if (service !== '' && service !== GRPCInferenceService.typeName)
        throw new CodedError(
          'NOT_FOUND',
          `There is no service '${service}'; there is '${GRPCInferenceService.typeName}'.`,
          {
            details: { field: 'service' },
          },
        );
      return create(HealthCheckResponseSchema, { status: parts.open() ? serving : notServing });
    },
  });
}
