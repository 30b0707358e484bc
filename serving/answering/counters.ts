import { type EndpointCounters, noCounts } from '../endpoint-status.ts';

/** What this process counted, by endpoint, from zero at its start. */
export type Counters = {
  /** To be counted in. Asking for an endpoint makes its row: ask only for endpoints that exist. */
  of(endpoint: string): EndpointCounters;
  /** All rows, with the copies for shadows that were dropped by endpoint. */
  all(shadowsDropped: Readonly<Record<string, number>>): Readonly<Record<string, EndpointCounters>>;
};

/** Makes an empty set. */
export function createCounters(): Counters {
  const rows = new Map<string, EndpointCounters>();
  const of = (endpoint: string): EndpointCounters => {
    const known = rows.get(endpoint);
    if (known !== undefined) return known;
    const made = noCounts();
    rows.set(endpoint, made);
    return made;
  };
  return {
    of,
    all(shadowsDropped) {
      for (const [endpoint, count] of Object.entries(shadowsDropped)) of(endpoint).shadowDropped = count;
      return Object.fromEntries(rows);
    },
  };
}
