import type { ModelReference } from './model-package.ts';

/** Which share of an endpoint's live traffic a model version answers; weights of all arms sum to 100. */
export type Arm = {
  readonly name: 'champion' | 'challenger';
  readonly version: ModelReference;
  readonly weight: number;
};

/**
 * `routes/<endpoint>.json`: what model servers follow. Changed by compare-and-set only, by the endpoint workflow; `epoch` grows by one
 * with each change, `changeId` names the step that made it (a repeated step finds its own change and stops). Earlier routes stay as S3 versions.
 */
export type Route = {
  readonly endpoint: string;
  readonly epoch: number;
  readonly changeId: string;
  readonly arms: readonly Arm[];
  /** Versions that get a copy of each request after the live answer. */
  readonly shadows: readonly ModelReference[];
  readonly at: string;
  readonly who: string;
  readonly why: string;
};

/** What a release asks of an endpoint. */
export type RouteChange = Pick<Route, 'endpoint' | 'changeId' | 'arms' | 'shadows' | 'who' | 'why'>;
