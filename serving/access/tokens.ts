import type { JWTPayload, JWTVerifyGetKey } from 'jose';

import type { OidcPolicy } from '../../domain/endpoint-policy.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Caller } from './admission.ts';

/** Checks the tokens of one endpoint. */
export type Tokens = {
  /** Who sent an `authorization` header that was checked before and still holds; null: it must be checked. */
  seen(authorization: string): Caller | null;
  /** @throws CodedError UNAUTHENTICATED, FORBIDDEN, SERVICE_UNAVAILABLE. */
  check(authorization: string): Promise<Caller>;
};

export type TokensOptions = {
  readonly endpoint: string;
  readonly oidc: OidcPolicy;
  readonly keys: JWTVerifyGetKey;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

type Seen = { readonly caller: Caller; readonly until: number };

/** A secret that both sides share (HS256) would let whoever can read a public key sign with it; `none` lets everybody. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const clockSkewSeconds = 30;
/** A check costs a third of a millisecond; so long a key that its issuer withdrew goes on to count. */
const seenForMs = 5 * 60_000;
const seenAtMost = 10_000;
const longest = 16_384;

/** Remembers tokens that it has checked until they expire, at most five minutes. Source: RFC 6750, RFC 7519, RFC 8725. */
export function createTokens(options: TokensOptions): Tokens {
  const seen = new Map<string, Seen>();
  return {
    seen(authorization) {
      const found = seen.get(authorization);
      if (found === undefined) return null;
      if (options.now() < found.until) return found.caller;
      seen.delete(authorization);
      return null;
    },
    async check(authorization) {
      const claims = await verify(bearerOf(authorization, options.endpoint), options);
      const caller = callerOf(claims, options);
      const until = Math.min(options.now() + seenForMs, (claims.exp ?? 0) * 1_000);
      // The oldest goes first: a map keeps the order in which they came.
      for (const oldest of seen.size >= seenAtMost ? seen.keys() : []) {
        seen.delete(oldest);
        break;
      }
      seen.set(authorization, { caller, until });
      return caller;
    },
  };
}

/** @throws CodedError UNAUTHENTICATED where the header is no bearer token. */
function bearerOf(authorization: string, endpoint: string): string {
  const found = authorization.length > longest ? null : /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization);
  if (found?.[1] !== undefined) return found[1];
  throw refused(endpoint, "the header authorization is not 'Bearer <token>'", null);
}

async function verify(token: string, { endpoint, oidc, keys, now }: TokensOptions): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: oidc.issuer,
      audience: oidc.audience,
      algorithms,
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'sub'],
    });
    return payload;
  } catch (error) {
    if (isCoded(error)) throw error;
    throw refused(endpoint, error instanceof Error ? error.message : String(error), error);
  }
}

function callerOf(claims: JWTPayload, { endpoint, oidc }: TokensOptions): Caller {
  const scopes = scopesOf(claims);
  if (oidc.scope !== null && !scopes.includes(oidc.scope)) {
    throw new CodedError(
      'FORBIDDEN',
      `The token is good, but has not the scope '${oidc.scope}' that endpoint '${endpoint}' asks for. Ask its owner for it.`,
      { details: { endpoint, scope: oidc.scope, wwwAuthenticate: `Bearer error="insufficient_scope"` } },
    );
  }
  return { name: claims.sub ?? null, tester: oidc.testerScope !== null && scopes.includes(oidc.testerScope) };
}

/** `scope` with spaces between (RFC 8693, 4.2), or `scp` as a list or text, as some issuers write it. */
function scopesOf(claims: JWTPayload): readonly string[] {
  return [claims['scope'], claims['scp']].flatMap((found) => {
    if (typeof found === 'string') return found.split(' ');
    return Array.isArray(found) ? found.filter((each): each is string => typeof each === 'string') : [];
  });
}

function refused(endpoint: string, reason: string, cause: unknown): CodedError {
  return new CodedError(
    'UNAUTHENTICATED',
    `The token does not hold for endpoint '${endpoint}': ${reason}. Take a new one from the issuer.`,
    { cause, details: { endpoint, wwwAuthenticate: 'Bearer error="invalid_token"' } },
  );
}
