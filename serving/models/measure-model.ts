import type { ModelReference } from '../../domain/model-package.ts';
import { measureInChild } from './measure-child.ts';
import type { ModelPlan } from './model-plan.ts';
import { openPlans } from './plans.ts';

export type MeasureOptions = {
  /** Plans that were made before lie here. */
  readonly plansFolder: string;
  /** Processors that a model may use. */
  readonly cores: number;
  /** `auto`: a GPU where there is one and it is faster. */
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** What one process may take; one that takes more is ended. */
  readonly memoryLimitBytes: number;
  readonly signal: AbortSignal;
  /** Takes a line about each package that was measured. */
  readonly report: (line: string) => void;
};

/** One at a time: two that are measured at once would slow each other. */
let last: Promise<unknown> = Promise.resolve();

/**
 * How a package is run on this machine: measured once in a process of its own, and known from then on by the package's digest, ONNX Runtime's
 * version and the machine, so that a restart measures nothing.
 *
 * @throws CodedError MODEL_INVALID when the package does not load, takes more memory or time than it may, or takes its process along;
 * FEATURES_INVALID; DEVICE_MEMORY_EXHAUSTED; SERVICE_UNAVAILABLE where 'cuda' is asked for and there is none; the signal's reason.
 */
export async function planOf(
  found: { readonly reference: ModelReference; readonly folder: string },
  options: MeasureOptions,
): Promise<ModelPlan> {
  const plans = openPlans(options);
  const known = await plans.read(found.reference);
  if (known !== null) return known;
  const turn = last.then(async () => {
    options.signal.throwIfAborted();
    // Somebody else may have asked for the same package while this one waited.
    const since = await plans.read(found.reference);
    if (since !== null) return since;
    const plan = await measureInChild(found, options);
    await plans.write(found.reference, plan);
    options.report(lineOf(found.reference, plan));
    return plan;
  });
  last = turn.catch(() => undefined);
  return turn;
}

function lineOf({ model, modelVersion }: ModelReference, plan: ModelPlan): string {
  const { rowMs, batchRows, batchMs, loadMs, memoryBytes } = plan.measured;
  const where = plan.placement === 'host' ? 'a process of its own' : 'the answering processes';
  const shared = plan.batching === null ? 'runs not shared' : `up to ${plan.batching.rows} rows a run`;
  const threads = plan.threads === 1 ? '1 thread' : `${plan.threads} threads`;
  return [
    `Measured model ${model} version ${modelVersion}: ${rowMs.toFixed(3)} ms a row,`,
    `${(batchMs / batchRows).toFixed(4)} ms a row of ${batchRows}, ${Math.round(loadMs)} ms to load,`,
    `${Math.round(memoryBytes / 1_048_576)} MiB; in ${where} on ${plan.provider}, ${threads}, ${shared}.`,
  ].join(' ');
}
