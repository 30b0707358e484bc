import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { RecordedHistory } from '../../audit/capsule.ts';
import { strictReplay } from '../../audit/strict-replay.ts';
import { loadProject } from '../../project/load.ts';
import { buildWorkflowBundle } from '../../workers/bundle.ts';
import { rewrite, tamper } from '../audit/fixtures/tamper.ts';
import { quietRuntime } from '../end-to-end/harness.ts';
import { checkout } from '../end-to-end/project.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';

/** How each recorded run of pipelines/flights ended, and the last thing that it did before that. */
const recorded = [
  ['promoted', 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED', 'measureCanary'],
  ['rejected', 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED', 'rejectVersion'],
  ['stopped-at-the-gate', 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED', 'validateData'],
] as const;

const completed = 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED';
let bundleFile = '';

/** The code as it is written now, bundled as a worker does it. */
beforeAll(async () => {
  quietRuntime();
  bundleFile = (await buildWorkflowBundle(await loadProject(checkout), join(temporaryFolder(), 'build'))).file;
});
afterAll(removeFolders);

async function history(name: (typeof recorded)[number][0]): Promise<RecordedHistory> {
  const historyJson = await readFile(join(checkout, 'test/histories', `flights-${name}.json`), 'utf8');
  const { events } = JSON.parse(historyJson) as {
    readonly events: readonly [{ readonly workflowExecutionStartedEventAttributes: Readonly<Record<string, string>> }];
  };
  const { workflowId = '', originalExecutionRunId = '' } = events[0].workflowExecutionStartedEventAttributes;
  return { workflowId, workflowRunId: originalExecutionRunId, workflowType: 'flights', historyJson };
}

/** Temporal's own replay. */
function replay({ historyJson, workflowId }: RecordedHistory): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { codePath: bundleFile } }, JSON.parse(historyJson), workflowId);
}

test.each(recorded)('the run that was %s replays on the code as it is now', async (name, end, activity) => {
  const run = await history(name);
  expect(run.historyJson).toContain(end);
  expect(run.historyJson).toContain(`"${activity}"`);
  await expect(replay(run)).resolves.toBeUndefined();
});

test('a history with a renamed activity fails, and the strict replay names both', async () => {
  const corrupted = rewrite(await history('promoted'), '"validateData"', '"checkData"');
  await expect(replay(corrupted)).rejects.toThrow(/nondeterminism/i);
  const { difference } = await strictReplay(bundleFile, corrupted);
  expect(difference).toMatch(
    /^flights\/promoted event \d+ \(activity checkData\): the archived code asks for validateData$/,
  );
});

test('a history with a measurement that flips the branch fails', async () => {
  const change = { event: completed, from: '"metric":"auc","value":0.', to: '"metric":"auc","value":-0.' };
  await expect(replay(tamper(await history('promoted'), change))).rejects.toThrow(/nondeterminism.*rejectVersion/i);
});

// The second command of the run: what later steps are given may grow, and then only Temporal's own replay bridges old histories.
test("a changed activity result on the same branch passes Temporal's replay, and the strict replay names it", async () => {
  const corrupted = tamper(await history('promoted'), { event: completed, from: '"rows":4', to: '"rows":5' });
  await expect(replay(corrupted)).resolves.toBeUndefined();
  const { difference } = await strictReplay(bundleFile, corrupted);
  expect(difference).toMatch(
    /\(activity validateData\): at \$\[0\]\.snapshot\.rows the history says 4\d{5}, the archived code 5\d{5}$/,
  );
});
