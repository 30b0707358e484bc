import { CodedError } from '../../domain/errors.ts';
import type { LoopGuard } from '../observe/loop-guard.ts';

/** Counts the requests that are being answered: memory is bounded by refusing, not by growing. */
export type InFlight = {
  /** @throws CodedError OVERLOADED when as many as allowed are in flight, or the event loop cannot keep up with those there are. */
  enter(): void;
  leave(): void;
  /** How many are in flight now. */
  count(): number;
};

export type InFlightOptions = {
  /** Refuses while the event loop cannot keep up. */
  readonly guard: LoopGuard;
  /** Called for each request that finds the limit reached. */
  readonly onRefused: () => void;
};

/** So few are no queue: where the loop is late all the same, something else has the machine, and to refuse them would help nobody. */
const fewRequests = 16;

/** Makes a count that lets `limit` in at a time. */
export function createInFlight(limit: number, { guard, onRefused }: InFlightOptions): InFlight {
  let inFlight = 0;
  return {
    enter() {
      if (inFlight >= fewRequests) guard.enter();
      if (inFlight >= limit) {
        onRefused();
        throw new CodedError('OVERLOADED', `${limit} requests are in flight, which is the limit. Send again later.`);
      }
      inFlight += 1;
    },
    leave() {
      inFlight -= 1;
    },
    count: () => inFlight,
  };
}
