import type { DriftPolicy, DriftReport } from '../domain/drift-report.ts';
import type { Duration } from '../domain/duration.ts';
import { taskQueue } from '../domain/config.ts';
import { monitorDecision } from '../domain/monitor.ts';
import {
  ActivityFailure,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  ParentClosePolicy,
  continueAsNew,
  defineQuery,
  executeChild,
  isCancellation,
  setHandler,
  sleep,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { monitoring } from './activities.ts';

/** What a monitor watches and what it starts when the world has moved. */
export type MonitorRequest = {
  readonly endpoint: string;
  readonly model: string;
  /** The pipeline that retrains, and its input. */
  readonly pipeline: string;
  readonly input: unknown;
  readonly every: Duration;
  readonly policy: DriftPolicy;
};

/** What a monitor carries from life to life. */
export type MonitorState = {
  readonly after: string | null;
  readonly reports: readonly DriftReport[];
  readonly retrainings: number;
};

/** What can be asked of a monitor while it watches. */
export const monitorQuery = defineQuery<MonitorStatus>('monitor');
export type MonitorStatus = MonitorState & { readonly retraining: string | null; readonly lastReason: string | null };

/**
 * Watches one endpoint for as long as it lives (`monitor/<endpoint>`): compares each full window of labelled answers with the champion's
 * training profile, and starts retraining once when drift is sustained. While that runs it does not look: the retraining's own release judges.
 */
export async function monitor(
  request: MonitorRequest,
  state: MonitorState = { after: null, reports: [], retrainings: 0 },
): Promise<void> {
  let { after, reports, retrainings } = state;
  let retraining: string | null = null;
  let lastReason: string | null = null;
  setHandler(monitorQuery, () => ({ after, reports, retrainings, retraining, lastReason }));

  while (!workflowInfo().continueAsNewSuggested) {
    const look = await lookForDrift(request, after);
    if (look.failure !== null) lastReason = look.failure;
    const { report } = look;
    if (report === null) {
      await sleep(request.every);
      continue;
    }
    after = report.window.to;
    reports = [...reports.filter((earlier) => earlier.modelVersion === report.modelVersion), report].slice(
      -request.policy.outOf,
    );
    const decision = monitorDecision(request.policy, reports);
    lastReason = decision.kind === 'healthy' ? null : decision.reason;
    if (decision.kind !== 'retrain') continue;
    retrainings += 1;
    retraining = `${request.pipeline}/retrain-${request.endpoint}-${retrainings}`;
    await retrain(request, retraining);
    // A new champion brings a new reference; after a rejection the old one must be seen to drift anew before the next attempt.
    retraining = null;
    reports = [];
  }
  await continueAsNew<typeof monitor>(request, { after, reports, retrainings });
}

type Look = { readonly report: DriftReport | null; readonly failure: string | null };

/** A look that fails (no champion yet, a damaged package, a full disk) is a reason to say so and look again, not to stop watching. */
async function lookForDrift({ endpoint, model, policy }: MonitorRequest, after: string | null): Promise<Look> {
  try {
    return { report: await monitoring.measureDrift({ endpoint, model, after, policy }), failure: null };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { report: null, failure: error.cause?.message ?? error.message };
  }
}

/**
 * A failed retraining must not end the watch: its own run records why it failed. Nor must one that an earlier monitor of the endpoint started
 * and that still goes on. Cancelling the monitor leaves a release that has begun alone.
 */
async function retrain(request: MonitorRequest, workflowId: string): Promise<void> {
  try {
    await executeChild(request.pipeline, {
      workflowId,
      taskQueue: taskQueue('control'),
      args: [request.input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      memo: { startedBy: 'monitor' },
    });
  } catch (error) {
    const known = error instanceof ChildWorkflowFailure || isAlreadyStarted(error);
    if (isCancellation(error) || !known) throw error;
  }
}

/** By name: the class is not among what the workflow package exports. */
function isAlreadyStarted(error: unknown): boolean {
  return error instanceof TemporalFailure && error.name === 'WorkflowExecutionAlreadyStartedError';
}
