import type { EndpointPolicy } from '../domain/endpoint-policy.ts';
import type { Arm, Route } from '../domain/route.ts';
import type { PreparedModel } from './models/model-plan.ts';

/** An endpoint as the control process hands it to the answering processes: its route and policy, and every package on this machine. */
export type PreparedEndpoint = {
  readonly route: Route;
  readonly policy: EndpointPolicy;
  readonly arms: readonly PreparedArm[];
  /** One host each. */
  readonly shadows: readonly PreparedModel[];
};

export type PreparedArm = Pick<Arm, 'name' | 'weight'> & { readonly model: PreparedModel };
