import { hash } from 'node:crypto';

import type { JWTVerifyGetKey } from 'jose';

import type { EndpointPolicy, OidcPolicy } from '../../domain/endpoint-policy.ts';
import { CodedError } from '../../domain/errors.ts';
import type { Credential } from '../answering/call.ts';
import type { Admission, Caller } from './admission.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { createRateLimits, type RateLimit, type RateLimitOptions } from './rate-limits.ts';
import { createTokens, type Tokens } from './tokens.ts';

export type AdmissionOptions = RateLimitOptions & {
  /** Takes a line when an issuer's keys cannot be refreshed. */
  readonly report?: (line: string) => void;
  /** How long after a fetch of an issuer's keys a token with an unknown key makes no further one; 10 seconds unless given. */
  readonly keysCooldownMs?: number;
};

/** A policy as it is asked on each request. */
type Rules = {
  readonly limit: RateLimit | null;
  /** By the SHA-256 of the key's text, hex. */
  readonly keys: ReadonlyMap<string, { readonly caller: Caller; readonly limit: RateLimit | null }>;
  readonly tokens: Tokens | null;
};

const everybody: Caller = { name: null, tester: true };
const longestKey = 1_024;

/**
 * Decides by each endpoint's policy who may ask, and how often. Keys are found by their hash: how long that takes says nothing about a key.
 * Limits concern callers that were let in, so that others cannot use them up.
 */
export function createAdmission(options: AdmissionOptions): Admission {
  const limits = createRateLimits(options);
  const rulesOf = createRules(options);
  return {
    admit(policy, credential) {
      if (policy.access === null) {
        if (policy.limits.requestsPerSecond !== null) limits.take(null, rulesOf(policy).limit);
        return everybody;
      }
      const { limit, keys, tokens } = rulesOf(policy);
      const key = keyHash(credential);
      const known = key === null ? undefined : keys.get(key);
      if (known !== undefined) {
        limits.take(known.limit, limit);
        return known.caller;
      }
      if (tokens === null || credential.authorization === null) throw unknownCaller(policy, credential);
      const caller = tokens.seen(credential.authorization);
      if (caller === null) return afterCheck(tokens, credential.authorization, () => limits.take(null, limit));
      limits.take(null, limit);
      return caller;
    },
  };
}

/** Reads each policy once: what it says stays as long as the policy itself; an issuer's keys stay over policies. */
function createRules(options: AdmissionOptions): (policy: EndpointPolicy) => Rules {
  const { now, report = () => undefined, keysCooldownMs: cooldownMs = 10_000 } = options;
  const rules = new WeakMap<EndpointPolicy, Rules>();
  const issuers = new Map<string, JWTVerifyGetKey>();

  const issuerKeys = (oidc: OidcPolicy): JWTVerifyGetKey => {
    const name = JSON.stringify([oidc.issuer, oidc.jwksUrl]);
    const keys = issuers.get(name) ?? createIssuerKeys(oidc, { now, report, cooldownMs });
    issuers.set(name, keys);
    return keys;
  };
  return (policy) => {
    const known = rules.get(policy);
    if (known !== undefined) return known;
    const { endpoint, access } = policy;
    const oidc = access?.oidc ?? null;
    const tokens = oidc === null ? null : createTokens({ endpoint, oidc, keys: issuerKeys(oidc), now });
    const made = { limit: limitOf(policy), keys: keysOf(policy), tokens };
    rules.set(policy, made);
    return made;
  };
}

async function afterCheck(tokens: Tokens, authorization: string, take: () => void): Promise<Caller> {
  const caller = await tokens.check(authorization);
  take();
  return caller;
}

function limitOf({ endpoint, limits }: EndpointPolicy): RateLimit | null {
  const perSecond = limits.requestsPerSecond;
  return perSecond === null ? null : { name: `endpoint/${endpoint}`, perSecond };
}

function keysOf({ endpoint, access }: EndpointPolicy): Rules['keys'] {
  return new Map(
    access?.apiKeys.map(({ name, sha256, tester, requestsPerSecond: perSecond }) => {
      const limit = perSecond === null ? null : { name: `key/${endpoint}/${name}`, perSecond };
      return [sha256.toLowerCase(), { caller: { name, tester }, limit }];
    }),
  );
}

function keyHash({ apiKey }: Credential): string | null {
  return apiKey === null || apiKey.length > longestKey ? null : hash('sha256', apiKey, 'hex');
}

function unknownCaller({ endpoint, access }: EndpointPolicy, credential: Credential): CodedError {
  const ways = [
    ...(access !== null && access.apiKeys.length > 0 ? ['an API key (x-api-key)'] : []),
    ...(access?.oidc ? [`a token of ${access.oidc.issuer} (authorization: Bearer)`] : []),
  ];
  const wrong = credential.apiKey === null ? 'asks who calls' : 'does not know this API key';
  const next = ways.length === 0 ? 'Its policy lets nobody in: its owner can add a key.' : `Send ${ways.join(' or ')}.`;
  return new CodedError('UNAUTHENTICATED', `Endpoint '${endpoint}' ${wrong}. ${next}`, {
    details: { endpoint, wwwAuthenticate: access?.oidc ? 'Bearer' : 'ApiKey' },
  });
}
