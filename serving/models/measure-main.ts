import { existsSync, writeFileSync } from 'node:fs';
import { CodedError } from '../../domain/errors.ts';
import { type CodedFailure, toFailure } from '../../domain/failure.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { endWithParent } from '../end-with-parent.ts';
import { findCuda } from './cuda.ts';
import { decidePlan, fastestRowMs, hostFromMs } from './decide-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import { timeModel, type Timings } from './time-model.ts';

/** The measuring process: it meets a package first, so that one that does not load, or takes all memory, ends here. */

/** PERDURA_MEASURE_CONFIG. */
export type MeasureConfig = {
  readonly reference: ModelReference;
  readonly folder: string;
  readonly cores: number;
  readonly device: 'auto' | 'cpu' | 'cuda';
  readonly memoryLimitBytes: number;
};

/** What it tells the process that forked it. */
export type Measured =
  { readonly type: 'measured'; readonly plan: ModelPlan } | { readonly type: 'failed'; readonly failure: CodedFailure };

async function measure(config: MeasureConfig): Promise<ModelPlan> {
  const options = { cores: config.cores, hostFromMs };
  const timings: Timings[] = [];
  if (config.device !== 'cuda') timings.push(await timeModel(config, 'cpu', options));
  if (config.device !== 'cpu') {
    const cuda = await findCuda();
    if (cuda.usable) timings.push(await timeModel(config, 'cuda', options));
    else if (config.device === 'cuda') {
      throw new CodedError('SERVICE_UNAVAILABLE', `No GPU can be used: ${cuda.why}. Install it, or serve on the CPU.`);
    }
  }
  const [fastest] = timings.toSorted((a, b) => fastestRowMs(a) - fastestRowMs(b));
  if (fastest === undefined) throw new Error(`Nothing was measured on '${config.device}'.`);
  return decidePlan(fastest, config);
}

function tell(message: Measured): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
}

// Should the machine run out of memory before anyone notices, this process goes first.
if (existsSync('/proc/self/oom_score_adj')) writeFileSync('/proc/self/oom_score_adj', '1000');
endWithParent(() => process.exit(1));

try {
  const plan = await measure(JSON.parse(process.env['PERDURA_MEASURE_CONFIG'] ?? '') as MeasureConfig);
  await tell({ type: 'measured', plan });
  process.exit(0);
} catch (error) {
  await tell({ type: 'failed', failure: toFailure(error, 'MODEL_INVALID') });
  process.exit(1);
}
