/**
 * `policies/<endpoint>.json`: what the owner of an endpoint declared about its log, its reviews, its callers and its limits. Signed and changed by
 * compare-and-set like a route; `epoch` grows by one with each change. Without such a document `openPolicy` is in force.
 */
export type EndpointPolicy = {
  readonly endpoint: string;
  readonly epoch: number;
  readonly log: LogPolicy;
  /** Answers whose confidence is below this (0 to 1) go to a person; null: none. */
  readonly review: { readonly below: number } | null;
  /** Null: whoever reaches the port may ask. */
  readonly access: AccessPolicy | null;
  readonly limits: LimitPolicy;
  readonly at: string;
  readonly who: string;
  readonly why: string;
};

/** What of a request is kept, and how. Names of columns are those of the raw record or of the features; both are treated alike. */
export type LogPolicy = {
  /** The share of requests that is logged, 0 to 1: chosen by a hash of the request's id, so that a request and its shadows go together. */
  readonly sample: number;
  /** Columns that never reach a disk. */
  readonly redact: readonly string[];
  readonly encrypt: EncryptPolicy | null;
};

/** Columns that are kept under a key of their subject's group: without the key nobody reads them again. */
export type EncryptPolicy = {
  readonly columns: readonly string[];
  /** The column of the raw record whose value names the group; null: the subject itself. */
  readonly group: string | null;
};

/** Who may ask. With both, either is enough. */
export type AccessPolicy = { readonly apiKeys: readonly ApiKey[]; readonly oidc: OidcPolicy | null };

/** The key itself is never stored: `sha256` is of its text, hex. */
export type ApiKey = {
  readonly name: string;
  readonly sha256: string;
  /** Whether its holder may choose the arm by a header. */
  readonly tester: boolean;
  /** Null: only the endpoint's limit holds. */
  readonly requestsPerSecond: number | null;
};

/** Tokens (JWT) of an issuer; `jwksUrl` null: found by the issuer's discovery document. */
export type OidcPolicy = {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string | null;
  /** A scope that a token must have; null: any token of the audience. */
  readonly scope: string | null;
  /** The scope whose holders may choose the arm by a header; null: nobody. */
  readonly testerScope: string | null;
};

/** `requestsPerSecond` of the endpoint on one model server, all processes together; null: no limit. */
export type LimitPolicy = { readonly requestsPerSecond: number | null; readonly rowsPerRequest: number };

/** What holds where nothing was declared: everything logged, nothing hidden, no review, open to whoever reaches the port. */
export function openPolicy(endpoint: string): EndpointPolicy {
  return {
    endpoint,
    epoch: 0,
    log: { sample: 1, redact: [], encrypt: null },
    review: null,
    access: null,
    limits: { requestsPerSecond: null, rowsPerRequest: 4_096 },
    at: '1970-01-01T00:00:00.000Z',
    who: 'perdura',
    why: 'No policy was declared.',
  };
}
