import { CodedError, isCoded } from '../../domain/errors.ts';
import { parseRecord } from '../../domain/features.ts';
import type { ServedArm } from '../active-route.ts';
import type { LoadedModel } from '../models/load-model.ts';

/**
 * Says whose fault it is that `refusing` did not take a record. Where every arm of the route refuses it, it is the client's, and the
 * error stays as it is. Where one takes it, the refusing model asks for more than clients send: that is its own failure and must be
 * counted as one, or a canary would never see the requests that its challenger turns away. Costs something only after a refusal.
 */
export function faultOf(
  error: CodedError | null,
  refusing: LoadedModel,
  arms: readonly ServedArm[],
  json: unknown,
): CodedError | null {
  if (!isCoded(error, 'INPUT_INVALID')) return error;
  const taking = arms.find(({ model }) => takes(model, json));
  if (taking === undefined) return error;
  return new CodedError(
    'MODEL_INVALID',
    `Model ${nameOf(refusing)} refuses a record that ${nameOf(taking.model)} on the same endpoint takes: ${error.message} Let its features.ts ask only for what every client sends.`,
    { details: error.details, cause: error },
  );
}

function takes(model: LoadedModel, json: unknown): boolean {
  try {
    parseRecord(model.features.record, json);
    return true;
  } catch {
    return false;
  }
}

const nameOf = ({ reference }: LoadedModel): string => `${reference.model} version ${reference.modelVersion}`;
