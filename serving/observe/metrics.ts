/** What an answering process or a host counts for Prometheus. Label sets are bounded: endpoints and arms that exist, never what a client sent. */
export type ServingMetrics = {
  /** One finished request; `status` as in HTTP, also for gRPC. `seconds` from its arrival to its answer. `endpoint` null: there is none of that name. */
  request(of: {
    readonly endpoint: string | null;
    readonly arm: string;
    readonly protocol: 'rest' | 'grpc' | 'rows';
    readonly status: number;
    readonly seconds: number;
  }): void;
  /** One run of a model with so many rows, and how many rows waited behind it. */
  run(of: { readonly model: string; readonly rows: number; readonly waiting: number; readonly seconds: number }): void;
  /** prom-client's `getMetricsAsJSON()`. */
  json(): Promise<readonly object[]>;
};
