import { CodedError, isCoded } from '../../domain/errors.ts';
import { parseRecord } from '../../domain/features.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { Input } from './call.ts';
import type { ActiveArm } from './parts.ts';

/**
 * Says whose fault it is that `refusing` did not take a request. Where every arm of the route refuses it, it is the client's, and the
 * error stays as it is. Where one takes it, the refusing model asks for more than clients send: that is its own failure and must be
 * counted as one, or a canary would never see the requests that its challenger turns away. Costs something only after a refusal.
 */
export function faultOf(
  error: CodedError,
  refusing: LoadedModel,
  arms: readonly ActiveArm[],
  input: Input,
): CodedError {
  if (!isCoded(error, 'INPUT_INVALID')) return error;
  const taking = arms.find(({ model }) => model !== refusing && takes(model, input));
  if (taking === undefined) return error;
  return new CodedError(
    'MODEL_INVALID',
    `Model ${nameOf(refusing)} refuses a record that ${nameOf(taking.model)} on the same endpoint takes: ${error.message} Let its features.ts ask only for what every client sends.`,
    { details: error.details, cause: error },
  );
}

function takes(model: LoadedModel, input: Input): boolean {
  try {
    if (input.kind === 'tensors') input.encode(model.signature);
    else for (const record of input.records) parseRecord(model.features.record, record);
    return true;
  } catch {
    return false;
  }
}

const nameOf = ({ reference }: LoadedModel): string => `${reference.model} version ${reference.modelVersion}`;
