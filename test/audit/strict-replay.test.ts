import { readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { strictReplay } from '../../audit/strict-replay.ts';
import { type Recording, recordRuns } from './fixtures/record.ts';
import { rewrite, tamper } from './fixtures/tamper.ts';

let recording: Recording;

beforeAll(async () => {
  recording = await recordRuns();
}, 60_000);

afterAll(() => recording.remove());

const otherResult = { event: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED', from: '0.95', to: '0.93' };

test('the recorded runs replay with every value as recorded', async () => {
  const all = [...recording.release, recording.broken, recording.again];
  const replays = [];
  for (const history of all) replays.push(await strictReplay(recording.bundleFile, history));
  expect(replays).toEqual([
    // two activities, a timer, a child, a signal, the result
    { commands: 6, difference: null },
    // a timer and the result
    { commands: 2, difference: null },
    // the failure
    { commands: 1, difference: null },
    // going on as new
    { commands: 1, difference: null },
  ]);
});

test("Temporal's own replayer accepts a changed activity result on the same branch", async () => {
  const { historyJson, workflowId } = tamper(recording.release[0], otherResult);
  const options = { workflowBundle: { codePath: recording.bundleFile } };
  await expect(Worker.runReplayHistory(options, JSON.parse(historyJson), workflowId)).resolves.toBeUndefined();
});

test('a changed activity result on the same branch is named with both values', async () => {
  const { difference } = await strictReplay(recording.bundleFile, tamper(recording.release[0], otherResult));
  expect(difference).toContain('(activity record): at $[0].decision.findings[0].measurement.value');
  expect(difference).toContain('the history says 0.95, the archived code 0.93');
});

test('a changed workflow input is caught where it is handed on', async () => {
  const change = { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', from: 'flights', to: 'freight' };
  const { difference } = await strictReplay(recording.bundleFile, tamper(recording.release[0], change));
  expect(difference).toContain('event 5 (activity measure): at $[0].model');
  expect(difference).toContain('the history says "flights", the archived code "freight"');
});

test('a changed recorded result is caught', async () => {
  const change = { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED', from: 'promoted', to: 'rejected' };
  const { difference } = await strictReplay(recording.bundleFile, tamper(recording.release[0], change));
  expect(difference).toContain('(result): at $.outcome the history says "rejected", the archived code "promoted"');
});

test.each([
  ['activity input', 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED', 'flights', '(activity measure)'],
  ['child input', 'EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED', '0.95', '(child announce'],
  ['signal', 'EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED', 'release', '(signal proceed'],
])('a changed recorded %s is caught', async (_, event, from, where) => {
  const { difference } = await strictReplay(
    recording.bundleFile,
    tamper(recording.release[0], { event, from, to: 'x1' }),
  );
  expect(difference).toContain(where);
});

test('a changed timer is caught', async () => {
  const { difference } = await strictReplay(
    recording.bundleFile,
    rewrite(recording.release[0], '"0.015s"', '"0.016s"'),
  );
  expect(difference).toContain('(timer): at $ the history says 16, the archived code 15');
});

test('changed details of a failure are caught', async () => {
  const change = { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED', from: '"rows":0', to: '"rows":1' };
  const { difference } = await strictReplay(recording.bundleFile, tamper(recording.broken, change));
  expect(difference).toContain('(failure): at $[0].details[0].rows the history says 1, the archived code 0');
});

test('changed arguments of going on as new are caught', async () => {
  const change = { event: 'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW', from: '0', to: '7' };
  const { difference } = await strictReplay(recording.bundleFile, tamper(recording.again, change));
  expect(difference).toContain('(continue-as-new again): at $[0] the history says 7, the archived code 0');
});

test('an activity result that flips the branch is caught', async () => {
  const { difference } = await strictReplay(
    recording.bundleFile,
    tamper(recording.release[0], { ...otherResult, to: '0.12' }),
  );
  expect(difference).toContain('(activity record): at $[0].decision');
});

test('a renamed activity is caught', async () => {
  const { difference } = await strictReplay(
    recording.bundleFile,
    rewrite(recording.release[0], '"measure"', '"guess"'),
  );
  expect(difference).toContain('(activity guess): the archived code asks for measure');
});

test("another run's history is not taken for this one's", async () => {
  const { difference } = await strictReplay(recording.bundleFile, {
    ...recording.release[0],
    historyJson: recording.release[1].historyJson,
  });
  expect(difference).toContain(`not of ${recording.release[0].workflowRunId}`);
});

test('a text that is no history says so', async () => {
  const history = { ...recording.broken, historyJson: '{"events":' };
  await expect(strictReplay(recording.bundleFile, history)).rejects.toMatchObject({ code: 'EVIDENCE_ALTERED' });
});

test('there is one protobufjs 8 in the tree, without which no JSON history replays', () => {
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  const copies = Object.entries(lockfile.packages).filter(
    ([path, { version }]) => path.endsWith('node_modules/protobufjs') && version?.startsWith('8.'),
  );
  expect(copies.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
});
