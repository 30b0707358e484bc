import type { DataActivities } from '../activities/data/contract.ts';
import type { MonitoringActivities } from '../activities/monitoring/contract.ts';
import type { ReleaseActivities } from '../activities/release/contract.ts';
import type { RunActivities } from '../activities/run/contract.ts';
import type { SearchActivities } from '../activities/search/contract.ts';
import type { TrainingActivities } from '../activities/training/contract.ts';
import { taskQueue } from '../domain/config.ts';
import { proxyActivities } from '@temporalio/workflow';

/** Short calls to S3 and Temporal: repeated until they go through, because an outage is no reason to lose a run. */
const short = {
  taskQueue: taskQueue('control'),
  startToCloseTimeout: '20 seconds',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 ms', maximumInterval: '10 seconds', backoffCoefficient: 2 },
} as const;

/** Scans and training: long, so a heartbeat tells a dead worker from a slow one. */
const long = {
  taskQueue: taskQueue('data'),
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds', backoffCoefficient: 2 },
} as const;

export const data = proxyActivities<DataActivities>(long);
export const training = proxyActivities<TrainingActivities>(long);
/** The same activities on a worker with a device. */
export const trainingOnGpu = proxyActivities<TrainingActivities>({ ...long, taskQueue: taskQueue('gpu') });
/** Trials of a search: one that is cancelled counts as ended when it has ended, because its budget must not be passed behind its back. */
export const trials = proxyActivities<TrainingActivities>({ ...long, cancellationType: 'WAIT_CANCELLATION_COMPLETED' });
export const trialsOnGpu = proxyActivities<TrainingActivities>({
  ...long,
  taskQueue: taskQueue('gpu'),
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});
export const searching = proxyActivities<SearchActivities>(long);
export const placing = proxyActivities<Pick<TrainingActivities, 'placeTraining'>>(short);
export const monitoring = proxyActivities<MonitoringActivities>(long);
export const release = proxyActivities<ReleaseActivities>(short);
/** Reads every byte of a package before an alias moves to it. */
export const promoting = proxyActivities<Pick<ReleaseActivities, 'promoteVersion' | 'rollBackVersion'>>({
  ...short,
  startToCloseTimeout: '10 minutes',
});
/** Measurements read the whole traffic of a stage. */
export const traffic = proxyActivities<Pick<ReleaseActivities, 'measureShadow' | 'measureCanary'>>(long);
export const run = proxyActivities<Pick<RunActivities, 'recordStart' | 'recordOutcome'>>(short);
/** Waits for another workflow's close, so it may take long; the archive workflow is all that awaits it. */
export const archiving = proxyActivities<Pick<RunActivities, 'sealCapsule'>>({
  ...long,
  taskQueue: taskQueue('control'),
});
