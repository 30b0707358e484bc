import type { Route } from '../../domain/route.ts';
import type { ChangeRequest } from './contract.ts';

/** The two things that a release asks of Temporal itself; the worker supplies them with its client. */
export type EndpointClient = {
  /** Sends a change to the endpoint's workflow, starting it where it does not run, and waits for the written route. */
  change(request: ChangeRequest): Promise<Route>;
  /** Whether a workflow of this id is running. */
  isOpen(workflowId: string): Promise<boolean>;
};
