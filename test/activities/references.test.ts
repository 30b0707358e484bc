import { referencesIn } from '../../activities/run/references.ts';
import type { RecordedHistory } from '../../audit/capsule.ts';

const sha = (digit: string) => digit.repeat(64);
const snapshot = { dataset: 'flights', digest: sha('a'), rows: 10 };
const version = { model: 'flights', modelVersion: '1', packageDigest: sha('b') };
const none = { snapshots: [], packages: [] };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const payload = (text: string, encoding: string) => ({
  metadata: { encoding: base64(encoding) },
  data: base64(text),
});
const json = (...values: readonly unknown[]) => ({
  payloads: values.map((value) => payload(JSON.stringify(value), 'json/plain')),
});

type Step = { readonly name: string; readonly input?: object; readonly result?: object };

/** Events as protobuf's JSON writes them: an activity each, completed where it has a result. */
function history(...steps: readonly Step[]): readonly RecordedHistory[] {
  const events = steps.flatMap(({ name, input, result }, index) => [
    {
      eventId: String(2 * index + 1),
      activityTaskScheduledEventAttributes: { activityId: String(index), activityType: { name }, input },
    },
    {
      eventId: String(2 * index + 2),
      ...(result && { activityTaskCompletedEventAttributes: { scheduledEventId: String(2 * index + 1), result } }),
    },
  ]);
  const names = { workflowId: 'flights/1', workflowRunId: 'r', workflowType: 'flights' };
  return [{ ...names, historyJson: JSON.stringify({ events }) }];
}

test('what a step was given and answered is collected, each once', () => {
  const found = referencesIn(
    history(
      { name: 'createSnapshot', input: json({ dataset: 'flights' }), result: json(snapshot) },
      { name: 'measureOffline', input: json({ challenger: version, on: { snapshot } }), result: json([]) },
    ),
  );
  expect(found).toEqual({ snapshots: [snapshot], packages: [version], mentioned: none });
});

test.each([
  ['bytes that begin as JSON', { payloads: [payload('[1', 'binary/plain')] }],
  ['encrypted bytes that begin as JSON', { payloads: [payload('{x', 'binary/encrypted')] }],
  ['bytes that are the JSON of a reference', { payloads: [payload(JSON.stringify(snapshot), 'binary/plain')] }],
  ['JSON that is cut off', { payloads: [payload('{"dataset":', 'json/plain')] }],
  ['a payload without metadata', { payloads: [{ data: base64('[1') }] }],
])('%s is passed over', (_, result) => {
  expect(referencesIn(history({ name: 'embed', result }))).toEqual({ ...none, mentioned: none });
});

test("what only the author's own activity names is a mention", () => {
  const lookalike = { ...snapshot, digest: sha('c') };
  expect(referencesIn(history({ name: 'embed', result: json({ lookalike, version }) }))).toEqual({
    ...none,
    mentioned: { snapshots: [lookalike], packages: [version] },
  });
});

test('what a step was given and failed with is a mention', () => {
  const steps = history({ name: 'validateData', input: json({ snapshot }) });
  expect(referencesIn(steps)).toEqual({ ...none, mentioned: { snapshots: [snapshot], packages: [] } });
});

test.each([
  { dataset: 'flights', digest: 'soon', rows: 1 },
  { dataset: '../flights', digest: sha('a'), rows: 1 },
  { model: 'flights', modelVersion: 'a/b', packageDigest: sha('b') },
  { model: 'flights', modelVersion: 1, packageDigest: sha('b') },
])('%j is no reference', (value) => {
  expect(referencesIn(history({ name: 'embed', result: json(value) }))).toEqual({ ...none, mentioned: none });
});
