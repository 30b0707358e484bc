import { CodedError } from '../../domain/errors.ts';

/** One limit of a policy; its name is the same in all processes of a model server. */
export type RateLimit = { readonly name: string; readonly perSecond: number };

/** Buckets of tokens, one a limit: a request takes one of each that concerns it. */
export type RateLimits = {
  /**
   * Takes a token of the caller's limit and one of the endpoint's (null: there is no such limit), or none.
   *
   * @throws CodedError RATE_LIMITED with `retryAfterMs`.
   */
  take(caller: RateLimit | null, endpoint: RateLimit | null): void;
};

export type RateLimitOptions = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The share of a limit, 0 to 1, that this process has. */
  readonly share: (limit: string) => number;
  /** Told of each request that a limit concerns, also of those refused: that is the demand which shares are made by. */
  readonly asked: (limit: string) => void;
};

type Bucket = { tokens: number; at: number };

/** A bucket holds what its limit gives in this time, and at least one request. */
const burstSeconds = 1;

/** Makes the buckets; each begins full. */
export function createRateLimits(options: RateLimitOptions): RateLimits {
  const buckets = new Map<string, Bucket>();

  const filled = (limit: RateLimit): Bucket => {
    const now = options.now();
    const perSecond = limit.perSecond * options.share(limit.name);
    const capacity = Math.max(1, perSecond * burstSeconds);
    const bucket = buckets.get(limit.name);
    if (bucket === undefined) {
      const fresh = { tokens: capacity, at: now };
      buckets.set(limit.name, fresh);
      return fresh;
    }
    // A clock that was set back gives nothing and takes nothing.
    const passed = Math.max(0, now - bucket.at) / 1_000;
    bucket.tokens = Math.min(capacity, bucket.tokens + passed * perSecond);
    bucket.at = now;
    return bucket;
  };

  return {
    take(caller, endpoint) {
      if (caller !== null) options.asked(caller.name);
      if (endpoint !== null) options.asked(endpoint.name);
      const first = caller === null ? null : filled(caller);
      const second = endpoint === null ? null : filled(endpoint);
      if (caller !== null && first !== null && first.tokens < 1) throw limited(caller, first, options);
      if (endpoint !== null && second !== null && second.tokens < 1) throw limited(endpoint, second, options);
      if (first !== null) first.tokens -= 1;
      if (second !== null) second.tokens -= 1;
    },
  };
}

function limited(limit: RateLimit, bucket: Bucket, options: RateLimitOptions): CodedError {
  const perSecond = limit.perSecond * options.share(limit.name);
  const wait = perSecond > 0 ? Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000) : 1_000;
  // Shares follow the demand within a second: a process with a small one has no reason to send anybody away for longer.
  const retryAfterMs = Math.min(Math.max(1, wait), Math.max(1_000, Math.ceil(1_000 / limit.perSecond)));
  return new CodedError(
    'RATE_LIMITED',
    `The limit of ${limit.perSecond} requests a second (${limit.name}) is used up. Send again in ${retryAfterMs} ms.`,
    { details: { retryAfterMs, limit: limit.name } },
  );
}
