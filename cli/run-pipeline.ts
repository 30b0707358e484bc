import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';

import { type Config, taskQueue } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';
import type { RunKey } from '../domain/run.ts';
import type { PipelineSource } from '../project/load.ts';
import { connectWithWorker } from './connect-with-worker.ts';
import type { Context } from './context.ts';
import { failureOf } from './errors.ts';
import { followRun } from './follow.ts';
import { coloured, elapsed, type Output } from './output.ts';
import { withCleanup } from './processes.ts';
import { plainView, terminalView } from './progress-view.ts';
import { waitForSeal } from './seal.ts';

/** A call of a pipeline that was found right. */
export type PipelineCall = {
  readonly config: Config;
  readonly pipeline: PipelineSource;
  readonly workflowId: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly follow: boolean;
};

/** Starts a pipeline, with a worker of its own where none runs, and follows it to its end. */
export async function runPipeline({ output }: Context, call: PipelineCall): Promise<number> {
  const { config, pipeline, workflowId, input } = call;
  let started: RunKey | null = null;
  const onStopping = () => output.progress('Stopping');
  const onInterrupted = () => output.answer({ run: started, status: 'interrupted' }, () => interruptedText(started));

  return withCleanup({ exitCode: 130, onStopping, onInterrupted }, async (cleanup) => {
    const { client } = await connectWithWorker({ config, output, cleanup, ownWorker: call.follow });
    const handle = await start(client, pipeline, { workflowId, input });
    started = { pipeline: pipeline.functionName, workflowId, runId: handle.firstExecutionRunId };
    output.progress(`Run ${workflowId} started`);
    if (call.follow) await follow({ client, handle, output, run: started, signal: cleanup.signal });
    else
      output.answer(
        { run: started, status: 'running' },
        () => `${workflowId} runs. Look at it with 'perdura show ${workflowId}'.`,
      );
    return 0;
  });
}

async function start(
  client: Client,
  pipeline: PipelineSource,
  { workflowId, input }: { readonly workflowId: string; readonly input: unknown },
): Promise<WorkflowHandleWithFirstExecutionRunId> {
  try {
    return await client.workflow.start(pipeline.functionName, {
      taskQueue: taskQueue('control'),
      workflowId,
      args: [input],
      memo: { startedBy: 'person' },
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new CodedError(
      'CONFLICT',
      `There is a run '${workflowId}' already. Choose another --id, or look at it with 'perdura show ${workflowId}'.`,
      { cause: error },
    );
  }
}

type Following = {
  readonly client: Client;
  readonly handle: WorkflowHandleWithFirstExecutionRunId;
  readonly output: Output;
  readonly run: RunKey;
  readonly signal: AbortSignal;
};

async function follow({ client, handle, output, run: key, signal }: Following): Promise<void> {
  const began = performance.now();
  const view = output.live
    ? terminalView(process.stderr)
    : plainView({ write: output.progress, now: () => performance.now() });
  const result = await followRun(handle, view, signal).catch(async (error: unknown) => {
    await waitForSeal(client, key, output.progress);
    output.progress(`Run ${key.workflowId} failed after ${elapsed(performance.now() - began)}`);
    const { code, message, details } = failureOf(error);
    throw new CodedError(code, message, { details: { ...details, run: key }, cause: error });
  });
  const elapsedMs = Math.round(performance.now() - began);
  await waitForSeal(client, key, output.progress);
  const { outcome, reason } = releaseWords(result);
  output.answer({ run: key, status: 'completed', outcome, reason, result: result ?? null, elapsedMs }, () =>
    [
      `${coloured(outcome ?? 'completed')} after ${elapsed(elapsedMs)}${reason === null ? '' : `: ${reason}`}`,
      `Look closer: perdura show ${key.workflowId}`,
    ].join('\n'),
  );
}

function releaseWords(result: unknown): { readonly outcome: string | null; readonly reason: string | null } {
  const fields = new Map<string, unknown>(typeof result === 'object' && result !== null ? Object.entries(result) : []);
  const word = (value: unknown) => (typeof value === 'string' ? value : null);
  return { outcome: word(fields.get('outcome')), reason: word(fields.get('reason')) };
}

function interruptedText(started: RunKey | null): string {
  return started === null
    ? 'Interrupted before the run began.'
    : `Stopped following ${started.workflowId}; it is not lost: it goes on as soon as a worker runs, such as 'perdura dev'.`;
}
