import type { JWTVerifyGetKey } from 'jose';

import type { OidcPolicy } from '../../domain/endpoint-policy.ts';
import { CodedError } from '../../domain/errors.ts';

export type IssuerKeysOptions = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: (line: string) => void;
  /** How long after a fetch a token with an unknown key makes no further one. */
  readonly cooldownMs: number;
};

const timeoutMs = 3_000;
const refreshEveryMs = 10 * 60_000;
const retryEveryMs = 60_000;
/** Keys that could not be refreshed for this long are trusted no more. */
const staleAfterMs = 24 * 60 * 60_000;
/** After a failed discovery, this long nobody waits for another. */
const failedForMs = 1_000;

/** Codes of jose that are the token's fault, not the issuer's. */
const tokensFault: ReadonlySet<string> = new Set(['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS']);

/**
 * The public keys of an issuer, fetched when the first token comes, refreshed in the background every ten minutes and when a token names a key
 * that is not known yet. While the issuer is away, keys that were fetched hold for a day: its outage is not the endpoint's.
 *
 * @throws CodedError (each call) SERVICE_UNAVAILABLE when the keys cannot be fetched. Source of the discovery: OpenID Connect Discovery 1.0, 4.
 */
export function createIssuerKeys(
  of: Pick<OidcPolicy, 'issuer' | 'jwksUrl'>,
  options: IssuerKeysOptions,
): JWTVerifyGetKey {
  let opening: Promise<OpenKeys> | null = null;
  let failed: { readonly error: CodedError; readonly at: number } | null = null;

  const opened = (): Promise<OpenKeys> => {
    if (failed !== null && options.now() - failed.at < failedForMs) return Promise.reject(failed.error);
    opening ??= open(of, options).catch((cause: unknown) => {
      opening = null;
      failed = { error: unavailable(of.issuer, cause), at: options.now() };
      throw failed.error;
    });
    return opening;
  };

  return async (header, token) => {
    const keys = await opened();
    keys.refresh();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (error instanceof Error && 'code' in error && tokensFault.has(String(error.code))) throw error;
      throw unavailable(of.issuer, error);
    }
  };
}

type OpenKeys = { readonly find: JWTVerifyGetKey; refresh(): void };

async function open(of: Pick<OidcPolicy, 'issuer' | 'jwksUrl'>, options: IssuerKeysOptions): Promise<OpenKeys> {
  const { createRemoteJWKSet } = await import('jose');
  const url = of.jwksUrl === null ? await discover(of.issuer) : secureUrl(of.jwksUrl);
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: options.cooldownMs,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  });
  await keys.reload();
  let fetchedAt = options.now();
  let nextAt = fetchedAt + refreshEveryMs;
  return {
    find(header, token) {
      if (options.now() - fetchedAt > staleAfterMs) throw new Error('they were last fetched more than a day ago');
      return keys(header, token);
    },
    refresh() {
      const now = options.now();
      if (now < nextAt) return;
      nextAt = now + retryEveryMs;
      keys.reload().then(
        () => {
          fetchedAt = options.now();
          nextAt = fetchedAt + refreshEveryMs;
        },
        (error: unknown) =>
          options.report(`Keys of ${of.issuer} could not be refreshed, the known ones hold: ${reasonOf(error)}`),
      );
    },
  };
}

async function discover(issuer: string): Promise<URL> {
  const url = secureUrl(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`);
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw new Error(`${url.href} answers ${answer.status}`);
  const found: unknown = await answer.json();
  const document = typeof found === 'object' && found !== null ? found : {};
  if (!('issuer' in document) || document.issuer !== issuer) throw new Error(`${url.href} is of another issuer`);
  if (!('jwks_uri' in document) || typeof document.jwks_uri !== 'string')
    throw new Error(`${url.href} names no jwks_uri`);
  return secureUrl(document.jwks_uri);
}

/** Whoever stands between could give keys of their own: plain http only on this machine. */
function secureUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`'${text}' is no address`);
  const url = new URL(text);
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
    throw new Error(`${url.href} is not reached by https`);
  return url;
}

function unavailable(issuer: string, cause: unknown): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The keys of the issuer ${issuer} cannot be fetched: ${reasonOf(cause)}. Send again; look at the issuer and at the policy's oidc.`,
    { cause, details: { issuer } },
  );
}

/** `fetch` says only that it failed; why stands in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
