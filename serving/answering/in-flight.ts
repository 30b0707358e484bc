import { CodedError } from '../../domain/errors.ts';

/** Counts the requests that are being answered: memory is bounded by refusing, not by growing. */
export type InFlight = {
  /** @throws CodedError OVERLOADED when as many as allowed are in flight. */
  enter(): void;
  leave(): void;
};

/** Makes a count that lets `limit` in at a time. */
export function createInFlight(limit: number): InFlight {
  let inFlight = 0;
  return {
    enter() {
      if (inFlight >= limit) {
        throw new CodedError('OVERLOADED', `${limit} requests are in flight, which is the limit. Send again later.`);
      }
      inFlight += 1;
    },
    leave() {
      inFlight -= 1;
    },
  };
}
