import { type CodedFailure, toFailure } from '../../domain/failure.ts';
import type { RunOutcome, RunStart } from '../../domain/run.ts';
import { type ErrorCode, errorTable, isCoded } from '../../domain/errors.ts';
import { taskQueue } from '../../domain/config.ts';
import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  ParentClosePolicy,
  TemporalFailure,
  type WorkflowInterceptors,
  isCancellation,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { run as bookkeeping } from '../activities.ts';
import { frameworkWorkflows } from '../framework.ts';
import { progressQuery, recorded, thisRun } from '../run-progress.ts';
import { giveEndpointsBack } from '../steps/endpoint-change.ts';

/**
 * Records every run of a pipeline without a call by its author: run.json before its first step, outcome.json after its last, then the
 * archive workflow, which seals the capsule. An error becomes one ApplicationFailure with a code, so that a pipeline that throws ends
 * instead of being tried for ever.
 */
export function runRecordInterceptors(): WorkflowInterceptors {
  if (frameworkWorkflows.includes(workflowInfo().workflowType)) return {};
  return {
    inbound: [
      {
        async execute(input, next) {
          setHandler(progressQuery, () => ({ steps: recorded().steps }));
          const startedAt = workflowInfo().runStartTime.toISOString();
          await bookkeeping.recordStart({
            ...thisRun(),
            input: input.args[0] ?? null,
            startedAt,
            startedBy: startedBy(),
          });
          try {
            const result = await next(input);
            // The pipeline is through: who cancels now is too late, and a promotion must not be recorded as a cancelled run.
            await CancellationScope.nonCancellable(async () => {
              const problems = await giveEndpointsBack('the run ended without promote or reject');
              await close({ status: 'completed', result: result ?? null, error: null, startedAt, problems });
            });
            return result;
          } catch (error) {
            // The run goes on under the same run id; it is recorded when its last part ends.
            if (error instanceof ContinueAsNew) throw error;
            const cancelled = isCancellation(error);
            const failure = toCodedFailure(error);
            await CancellationScope.nonCancellable(async () => {
              const problems = await giveEndpointsBack(`run ${cancelled ? 'cancelled' : 'failed'}: ${failure.message}`);
              await close({
                status: cancelled ? 'cancelled' : 'failed',
                result: null,
                error: cancelled ? null : failure,
                startedAt,
                problems,
              });
            });
            if (cancelled) throw error;
            throw ApplicationFailure.create({
              type: failure.code,
              message: failure.message,
              nonRetryable: true,
              details: [failure],
              // Where the author's code threw, for --verbose; a step's failure says it in its own words.
              ...(failure.code === 'PIPELINE_FAILED' && error instanceof Error ? { cause: thrown(error) } : {}),
            });
          }
        },
      },
    ],
  };
}

/** Whoever starts a run says so in its memo; a run without one was started by a person with Temporal's own tools. */
function startedBy(): RunStart['startedBy'] {
  const said = workflowInfo().memo?.['startedBy'];
  return said === 'schedule' || said === 'monitor' ? said : 'person';
}

type RunEnd = Pick<RunOutcome, 'status' | 'result' | 'error' | 'startedAt'> & { readonly problems: readonly string[] };

async function close({ problems, ...end }: RunEnd): Promise<void> {
  const run = thisRun();
  const said = releaseWords(end.result);
  const reasons = [said.reason ?? end.error?.message, ...problems].filter((reason) => reason !== undefined);
  await bookkeeping.recordOutcome({
    ...run,
    ...end,
    outcome: said.outcome,
    reason: reasons.length === 0 ? null : reasons.join(' '),
    endedAt: new Date().toISOString(),
    steps: recorded().steps,
    decisions: recorded().decisions,
    validations: recorded().validations,
  });
  await startChild('archive', {
    workflowId: `archive/${run.workflowId}/${run.runId}`,
    taskQueue: taskQueue('control'),
    args: [run],
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
}

function releaseWords(result: unknown): { readonly outcome: string | null; readonly reason: string | null } {
  if (typeof result !== 'object' || result === null) return { outcome: null, reason: null };
  const word = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    outcome: word('outcome' in result ? result.outcome : null),
    reason: word('reason' in result ? result.reason : null),
  };
}

/** Finds the coded failure below Temporal's wrappers (ActivityFailure, ChildWorkflowFailure); an author's own error gets PIPELINE_FAILED. */
function toCodedFailure(error: unknown): CodedFailure {
  let inner = error;
  while (inner instanceof TemporalFailure && !(inner instanceof ApplicationFailure) && inner.cause !== undefined)
    inner = inner.cause;
  if (inner instanceof ApplicationFailure && isCode(inner.type)) {
    const detail = inner.details?.[0];
    return isFailure(detail)
      ? detail
      : { code: inner.type, message: inner.message, remedy: errorTable[inner.type].remedy, details: {} };
  }
  // What a step refuses before it asks any activity, for example a duration that is none.
  if (isCoded(inner)) return toFailure(inner);
  const code: ErrorCode = inner instanceof TemporalFailure ? 'ACTIVITY_FAILED' : 'PIPELINE_FAILED';
  const message = inner instanceof Error ? inner.message : String(inner);
  return {
    code,
    message: code === 'PIPELINE_FAILED' ? `Pipeline '${workflowInfo().workflowType}' threw: ${message}` : message,
    remedy: errorTable[code].remedy,
    details: {},
  };
}

/** An author's error with its place; its own causes are left out, because a history names the types of outer failures only. */
function thrown({ message, name, stack }: Error): ApplicationFailure {
  const failure = ApplicationFailure.create({ message, type: name, nonRetryable: true });
  return Object.assign(failure, { stack });
}

function isCode(type: string | undefined | null): type is ErrorCode {
  return typeof type === 'string' && Object.hasOwn(errorTable, type);
}

function isFailure(value: unknown): value is CodedFailure {
  return typeof value === 'object' && value !== null && 'code' in value && 'remedy' in value && 'message' in value;
}
