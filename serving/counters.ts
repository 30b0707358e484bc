/** What happened on one endpoint since this process started. */
export type EndpointCounters = {
  /** Requests that got a prediction. */
  answered: number;
  /** Requests that got a 5xx: the server's or the model's fault. */
  failed: number;
  /** Answers of shadows, failed ones included. */
  shadowed: number;
  /** Shadows that were left out because their queue was full, or their answer could not be logged. */
  shadowDropped: number;
  /** Rows of this process that are in the bucket as Parquet. */
  logged: number;
};

/** Counters by endpoint, from zero at each start. */
export type Counters = { of(endpoint: string): EndpointCounters };

/** Makes an empty set of counters. Asking for an endpoint makes its row: ask only for endpoints that exist. */
export function createCounters(): Counters {
  const rows = new Map<string, EndpointCounters>();
  return {
    of(endpoint) {
      const row = rows.get(endpoint) ?? { answered: 0, failed: 0, shadowed: 0, shadowDropped: 0, logged: 0 };
      rows.set(endpoint, row);
      return row;
    },
  };
}
