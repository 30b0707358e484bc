import type { Environment } from '../domain/run.ts';
import type { RecordedHistory } from './capsule.ts';
import { completedActivities, parseHistory } from './history.ts';

/**
 * The environment that a run's first step, `recordStart`, answered; null when it never did. run.json says the same, but in a bucket it can
 * be rewritten before the run is sealed, and the history cannot.
 *
 * @throws CodedError EVIDENCE_ALTERED when the text is no history.
 */
export function recordedEnvironment({ historyJson, workflowId }: RecordedHistory): Environment | null {
  const { events } = parseHistory(historyJson, `The history of ${workflowId}`);
  const [start] = completedActivities(events).find(({ name }) => name === 'recordStart')?.result ?? [];
  const recorded = typeof start === 'object' && start !== null && 'environment' in start;
  return recorded ? (start.environment as Environment) : null;
}
