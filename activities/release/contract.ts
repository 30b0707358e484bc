import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Alias } from '../../domain/registry.ts';
import type { Route, RouteChange } from '../../domain/route.ts';

/** What workflows may ask about endpoints and aliases; runs on the `control` queue. */
export type ReleaseActivities = {
  readRoute(request: { readonly endpoint: string }): Promise<Route | null>;
  /** Writes the next route by compare-and-set on `expectedEpoch` (0: none yet). Idempotent by changeId. */
  writeRoute(request: { readonly change: RouteChange; readonly expectedEpoch: number }): Promise<Route>;
  /** Asks the endpoint workflow for a change and waits until it is written. Idempotent by changeId. */
  changeRoute(request: {
    readonly change: RouteChange;
    readonly holder: string;
    readonly done: boolean;
  }): Promise<Route>;
  /** Moves an alias by compare-and-set. Idempotent by moveId. */
  moveAlias(request: {
    readonly model: string;
    readonly moveId: string;
    readonly alias: Alias;
    readonly to: string | null;
    readonly who: string;
    readonly why: string;
    readonly evidenceSha256: string;
  }): Promise<void>;
  /** Marks a version as rejected. Idempotent. */
  rejectVersion(request: {
    readonly model: string;
    readonly modelVersion: string;
    readonly reason: string;
  }): Promise<void>;
  /** Measures pairs of live and shadow answers since an epoch. */
  measureShadow(request: TrafficRequest): Promise<readonly Measurement[]>;
  /** Measures the challenger's arm against the champion's since an epoch. */
  measureCanary(request: TrafficRequest): Promise<readonly Measurement[]>;
};

/** `sinceEpoch`: rows of this route epoch and later, up to `untilEpoch` where given, count. `since` bounds the scan: rows answered at or after it (ISO 8601). */
export type TrafficRequest = {
  readonly endpoint: string;
  readonly champion: ModelReference;
  readonly challenger: ModelReference;
  readonly sinceEpoch: number;
  readonly since: string;
  readonly guardrails: readonly Guardrail[];
};
