import { CodedError } from '../../domain/errors.ts';
import type { Caller } from '../access/admission.ts';
import type { Answered, Call } from './call.ts';
import { chooseArm } from './arm.ts';
import type { ActiveArm, ActiveEndpoint } from './parts.ts';

/** The arm that answers, and by which name: `direct` where the client chose it, so that the answer counts as no evidence. */
export type Chosen = { readonly arm: ActiveArm; readonly as: Answered['arm'] };

/**
 * Chooses who answers: the version or the arm that the client names, else the subject's arm.
 *
 * @throws CodedError NOT_FOUND for a version that is no arm's; INPUT_INVALID for an arm that the route does not have; FORBIDDEN when a caller
 * who is no tester names an arm.
 */
export function chooseVersion(active: ActiveEndpoint, call: Call, caller: Caller, subject: string): Chosen {
  const { endpoint } = active.route;
  if (call.modelVersion !== null) return { arm: armOfVersion(active, call.modelVersion), as: 'direct' };
  if (call.arm === null) {
    const arm = chooseArm(endpoint, subject, active.arms);
    return { arm, as: arm.name };
  }
  if (!caller.tester) {
    throw new CodedError(
      'FORBIDDEN',
      `Only testers of endpoint '${endpoint}' choose the arm. Leave x-perdura-arm out, or ask with a tester's key.`,
    );
  }
  const arm = active.arms.find(({ name }) => name === call.arm);
  if (arm === undefined) {
    const names = active.arms.map(({ name }) => name).join(', ');
    throw new CodedError(
      'INPUT_INVALID',
      `Endpoint '${endpoint}' has no arm '${call.arm}', only ${names}. Name one of these, or none.`,
      { details: { field: 'x-perdura-arm' } },
    );
  }
  return { arm, as: 'direct' };
}

/** @throws CodedError NOT_FOUND. */
export function armOfVersion(active: ActiveEndpoint, modelVersion: string): ActiveArm {
  const arm = active.arms.find(({ model }) => model.reference.modelVersion === modelVersion);
  if (arm !== undefined) return arm;
  const versions = active.arms.map(({ model }) => model.reference.modelVersion).join(', ');
  throw new CodedError(
    'NOT_FOUND',
    `Version '${modelVersion}' does not answer on endpoint '${active.route.endpoint}'; its route has ${versions}. See 'perdura routes'.`,
  );
}
