import { createHash } from 'node:crypto';

import { type AccessPolicy, type EndpointPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import { isCoded } from '../../../domain/errors.ts';
import type { Admission } from '../../../serving/access/admission.ts';
import type { Credential } from '../../../serving/answering/call.ts';

/** A policy of the endpoint `flights` with these callers, and a limit where one is given. */
export function policyWith(access: AccessPolicy | null, requestsPerSecond: number | null = null): EndpointPolicy {
  const open = openPolicy('flights');
  return { ...open, access, limits: { ...open.limits, requestsPerSecond } };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const nobody: Credential = { authorization: null, apiKey: null };
export const withKey = (apiKey: string): Credential => ({ authorization: null, apiKey });
export const withToken = (token: string): Credential => ({ authorization: `Bearer ${token}`, apiKey: null });

/** The code and message that a request is refused with; fails where it is let in. */
export async function refusal(
  admission: Admission,
  policy: EndpointPolicy,
  credential: Credential,
): Promise<{ readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> }> {
  try {
    await admission.admit(policy, credential);
  } catch (error) {
    if (isCoded(error)) return { code: error.code, message: error.message, details: error.details };
    throw error;
  }
  throw new Error('It was let in.');
}
