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

test.each(recorded)('the run that was %s replays, with every value as recorded', async (name, end, activity) => {
  const run = await history(name);
  expect(run.historyJson).toContain(end);
  expect(run.historyJson).toContain(`"${activity}"`);
  await expect(replay(run)).resolves.toBeUndefined();
  const { commands, difference } = await strictReplay(bundleFile, run);
  expect(difference).toBeNull();
  expect(commands).toBeGreaterThan(4);
});

test('a history with a renamed activity fails', async () => {
  const corrupted = rewrite(await history('promoted'), '"measureOffline"', '"measureOnline"');
  await expect(replay(corrupted)).rejects.toThrow(/[Nn]ondeterminism/);
  expect((await strictReplay(bundleFile, corrupted)).difference).toContain(
    '(activity measureOnline): the archived code asks for measureOffline',
  );
});

test('a history with a measurement that flips the branch fails', async () => {
  const change = { event: completed, from: '"metric":"auc","value":0.', to: '"metric":"auc","value":-0.' };
  const corrupted = tamper(await history('promoted'), change);
  await expect(replay(corrupted)).rejects.toThrow(/[Nn]ondeterminism/);
  expect((await strictReplay(bundleFile, corrupted)).difference).toMatch(/^flights\/promoted event \d+ \(activity /);
});

test("a changed measurement on the same branch passes Temporal's replay, and the strict replay names it", async () => {
  const change = { event: completed, from: '"metric":"auc","value":0.', to: '"metric":"auc","value":0.9' };
  const corrupted = tamper(await history('promoted'), change);
  await expect(replay(corrupted)).resolves.toBeUndefined();
  expect((await strictReplay(bundleFile, corrupted)).difference).toMatch(
    /\(activity recordOutcome\): at \$\[0\]\.decisions\[0\]\.decision\..* the history says .*0\.6.*the archived code .*0\.96/,
  );
});

test('a changed outcome is named', async () => {
  const change = { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED', from: 'rejected', to: 'promoted' };
  const { difference } = await strictReplay(bundleFile, tamper(await history('rejected'), change));
  expect(difference).toContain('(result): at $.outcome the history says "promoted", the archived code "rejected"');
});
