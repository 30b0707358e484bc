import type { Route, RouteChange } from '../../domain/route.ts';

/** The two things that a release asks of Temporal itself; the worker supplies them with its client. */
export type EndpointClient = {
  /** Sends a change to the endpoint's workflow, starting it where it does not run, and waits for the written route. */
  change(request: { readonly change: RouteChange; readonly holder: string; readonly done: boolean }): Promise<Route>;
  /** Whether a workflow of this id is running. */
  isOpen(workflowId: string): Promise<boolean>;
};
