import { armOfVersion } from '../answering/choose-version.ts';
import type { Answered } from '../answering/call.ts';
import type { ActiveEndpoint } from '../answering/parts.ts';
import { type TensorMetadata, tensorsOf } from './tensors.ts';

/** What the server is, as the protocol's server metadata has it. */
export const serverMetadata = { name: 'perdura', version: '2', extensions: ['binary_tensor_data'] } as const;

/** What an endpoint takes and answers, as the protocol's model metadata has it. */
export type ModelMetadata = {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
};

/**
 * The metadata of an endpoint: of the named version, else of its champion. The endpoint is the protocol's model.
 *
 * @throws CodedError NOT_FOUND for a version that is no arm's.
 */
export function modelMetadata(active: ActiveEndpoint, modelVersion: string | null): ModelMetadata {
  const { signature } = (modelVersion === null ? championOf(active) : armOfVersion(active, modelVersion)).model;
  const versions = new Set(active.arms.map(({ model }) => model.reference.modelVersion));
  return {
    name: active.route.endpoint,
    versions: [...versions].toSorted(),
    platform: 'onnx',
    ...tensorsOf(signature),
  };
}

/** The arm that describes an endpoint: its champion. */
export function championOf({ arms }: ActiveEndpoint): ActiveEndpoint['arms'][number] {
  return arms.find(({ name }) => name === 'champion') ?? arms[0];
}

/** The `parameters` of an answer: which of the endpoint's packages gave it. */
export function answerParameters(answered: Answered): {
  readonly arm: string;
  readonly model_version: string;
  readonly package_digest: string;
  readonly epoch: number;
} {
  const { arm, epoch, reference } = answered;
  return { arm, model_version: reference.modelVersion, package_digest: reference.packageDigest, epoch };
}
