import type { CodedFailure } from '../domain/failure.ts';
import type { Route } from '../domain/route.ts';

/** What happened on one endpoint since its model server started, all its processes together. */
export type EndpointCounters = {
  /** Requests that got a prediction. */
  answered: number;
  /** Requests that got a 5xx: the server's or the model's fault. */
  failed: number;
  /** Answers of shadows, failed ones included. */
  shadowed: number;
  /** Copies for shadows that were left out because these fell behind, or their answer could not be logged. */
  shadowDropped: number;
  /** Rows that are in the bucket as Parquet. */
  logged: number;
};

/** `GET /endpoints/<endpoint>`. */
export type EndpointStatus = Pick<Route, 'endpoint' | 'epoch' | 'arms' | 'shadows'> &
  EndpointCounters & {
    /** Why the newest route or policy is not the one in force; null when it is. */
    readonly problem: CodedFailure | null;
  };

/** All zero. */
export function noCounts(): EndpointCounters {
  return { answered: 0, failed: 0, shadowed: 0, shadowDropped: 0, logged: 0 };
}
