import type { ReleaseDecision } from '../../domain/decision.ts';
import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Alias } from '../../domain/registry.ts';
import type { Route, RouteChange } from '../../domain/route.ts';

/** What workflows may ask about endpoints and aliases; runs on the `control` queue. */
export type ReleaseActivities = {
  /** The route that stands, signed by a key that is trusted. */
  readRoute(request: { readonly endpoint: string }): Promise<Route | null>;
  /**
   * Writes the next route by compare-and-set on `expectedEpoch` (0: none yet), signed, and waits up to 15 seconds until all model servers
   * have it in force. Idempotent by changeId.
   */
  writeRoute(request: { readonly change: RouteChange; readonly expectedEpoch: number }): Promise<Route>;
  /** Asks the endpoint workflow for a change and waits until it is written. Idempotent by changeId. */
  changeRoute(request: ChangeRequest): Promise<Route>;
  /** Whether a workflow of this id is still running. */
  isOpen(workflowId: string): Promise<boolean>;
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
  /** Moves `champion` to the version and clears `challenger`. Refuses a decision that does not come out as `pass` again. Idempotent by moveId. */
  promoteVersion(request: ReleaseEnd): Promise<void>;
  /** Moves `champion` back to a version that is ready, verified and trusted. Idempotent by moveId; CONFLICT where another champion stands by now. */
  rollBackVersion(request: RollBack): Promise<void>;
  /** Marks the version as rejected and clears `challenger`. Idempotent by moveId. */
  rejectVersion(request: ReleaseEnd): Promise<void>;
  /** Measures pairs of live and shadow answers since an epoch. */
  measureShadow(request: TrafficRequest): Promise<readonly Measurement[]>;
  /** Measures the challenger's arm against the champion's since an epoch. */
  measureCanary(request: TrafficRequest): Promise<readonly Measurement[]>;
};

/** A route change on behalf of `holder`, the workflow that releases. */
export type ChangeRequest = {
  readonly change: RouteChange;
  readonly holder: string;
  /** The champion that the release knows; the change is refused where another one serves by now. Null: the endpoint serves none yet. */
  readonly expects: ModelReference | null;
  /** The epoch that a person saw; the change is refused where another one stands by now. Absent: any epoch with that champion. */
  readonly onlyAtEpoch?: number;
  /** Whether the endpoint is given back with it. */
  readonly done: boolean;
  /** What the endpoint promotes just before the change: in its turn, so that champion and route never part. */
  readonly promotion?: ReleaseEnd;
  /** The champion that a person goes back to: moved in the same turn, for the same reason. */
  readonly rollBack?: RollBack;
};

/** A champion is moved back, by a person. */
export type RollBack = {
  readonly to: ModelReference;
  /** The champion that the person saw, by its version. */
  readonly from: string;
  readonly moveId: string;
  readonly who: string;
  readonly why: string;
};

/** How a release ended, with the decision that it rests on. */
export type ReleaseEnd = {
  readonly version: ModelReference;
  readonly moveId: string;
  readonly who: string;
  readonly decision: ReleaseDecision;
};

/** Which traffic is evidence: rows of route epoch `sinceEpoch` and later that were answered at or after `since` (ISO 8601; bounds the scan). */
export type TrafficRequest = {
  readonly endpoint: string;
  readonly champion: ModelReference;
  readonly challenger: ModelReference;
  readonly sinceEpoch: number;
  readonly since: string;
  /** The challenger's planned share in percent in each epoch of a ramp, in order; empty for a shadow. `requests` counts the newest epoch's. */
  readonly weights: readonly { readonly epoch: number; readonly weight: number }[];
  /** What to measure: one measurement comes back for each, in this order. */
  readonly guardrails: readonly Guardrail[];
};
