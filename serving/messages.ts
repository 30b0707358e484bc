import type { CodedFailure } from '../domain/failure.ts';
import type { EndpointCounters, EndpointStatus } from './endpoint-status.ts';
import type { PreparedEndpoint } from './prepared-endpoint.ts';

/** What the control process tells an answering process. */
export type ToAnswering =
  /**
   * The first message: load all of these, then listen. The rest stands in PERDURA_SERVING_CONFIG. `writer` names this process's folder of the
   * log and never comes twice; ports 0: free ones, which all processes then share.
   */
  | {
      readonly type: 'start';
      readonly endpoints: readonly PreparedEndpoint[];
      readonly writer: string;
      readonly httpPort: number;
      readonly grpcPort: number;
    }
  /** Load and warm it; answer `prepared`. What is in force stays so. */
  | { readonly type: 'prepare'; readonly change: number; readonly endpoint: PreparedEndpoint }
  /** All processes are prepared: put it in force, answer `applied`. */
  | { readonly type: 'apply'; readonly change: number }
  /** Another process could not: let go of what was prepared. */
  | { readonly type: 'discard'; readonly change: number }
  /** Answers `ask` of the same number. */
  | {
      readonly type: 'told';
      readonly ask: number;
      readonly status: EndpointStatus | null;
      readonly failure: CodedFailure | null;
    }
  /** Answer `report`. */
  | { readonly type: 'report'; readonly ask: number }
  /** This process's share (0 to 1) of each rate limit, by the limit's name. */
  | { readonly type: 'shares'; readonly shares: Readonly<Record<string, number>> }
  /** Take no more connections, finish what is under way, close those that stay idle for so long, exit with 0. */
  | { readonly type: 'drain'; readonly idleGraceMs: number };

/** What an answering process tells the control process. */
export type FromAnswering =
  /** It takes messages now. What is sent before can be lost: node:cluster itself listens first, and hands on to nobody. */
  | { readonly type: 'hello' }
  | { readonly type: 'ready'; readonly httpPort: number; readonly grpcPort: number | null }
  | { readonly type: 'failed'; readonly failure: CodedFailure }
  | { readonly type: 'prepared'; readonly change: number; readonly failure: CodedFailure | null }
  | { readonly type: 'applied'; readonly change: number }
  /** `follow`: a client named an endpoint that is not in force here, ask the bucket; `status`: how does it fare. */
  | { readonly type: 'ask'; readonly ask: number; readonly what: 'follow' | 'status'; readonly endpoint: string }
  | ({ readonly type: 'report'; readonly ask: number } & AnsweringReport)
  /** Requests asked of each rate limit since the last such message. */
  | { readonly type: 'asked'; readonly asked: Readonly<Record<string, number>> };

/** What an answering process, or a host, says of itself. `metrics`: prom-client's `getMetricsAsJSON()`. */
export type AnsweringReport = {
  readonly counters: Readonly<Record<string, EndpointCounters>>;
  readonly metrics: readonly object[];
  /** Packages loaded since it started: each leaves memory behind, so that processes are recycled by this count. */
  readonly loads: number;
};
