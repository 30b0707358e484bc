import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import type { Credential } from '../answering/call.ts';

/** Who asks. */
export type Caller = {
  /** The API key's name or the token's subject; null: an endpoint that is open. */
  readonly name: string | null;
  /** Whether the caller may choose the arm. On an open endpoint everybody may: such answers are no evidence. */
  readonly tester: boolean;
};

/** Decides who may ask, and how often. */
export type Admission = {
  /**
   * Lets one request in. Not a promise for open endpoints, API keys and tokens that were seen before: most requests wait for nothing.
   *
   * @throws CodedError UNAUTHENTICATED, FORBIDDEN; RATE_LIMITED with `retryAfterMs` in its details; SERVICE_UNAVAILABLE when an issuer's
   * keys cannot be fetched.
   */
  admit(policy: EndpointPolicy, credential: Credential): Caller | Promise<Caller>;
};
