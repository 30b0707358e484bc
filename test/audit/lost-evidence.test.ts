import type { CapsuleParts } from '../../audit/capsule.ts';
import type { ReplayReport } from '../../audit/report.ts';
import { CodedError } from '../../domain/errors.ts';
import { runFolder } from '../../domain/run.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { bytesOf, fillBucket } from './fixtures/bucket.ts';
import { type Capsule, alter, replayIn, sealIn } from './fixtures/capsules.ts';
import { type Recording, recordRuns } from './fixtures/record.ts';
import { rewrite, tamper } from './fixtures/tamper.ts';

let recording: Recording;

beforeAll(async () => {
  recording = await recordRuns();
}, 60_000);

afterAll(() => recording.remove());

const seal = (capsule: Capsule) => sealIn(recording, capsule);
const replay = (capsule: Capsule) => replayIn(recording, capsule);

test.each<[string, (parts: CapsuleParts) => CapsuleParts, RegExp]>([
  [
    'other bytes than its digest says',
    (parts) => withBundle(parts, Buffer.from('other code')),
    /has SHA-256 [0-9a-f]{64}, the run's has/,
  ],
  ['no bundle at all', (parts) => withBundle(parts, null), /was not to be had/],
])('a run with %s is sealed, and replay names the bundle', async (_, change, reason) => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  await seal({ store, run, parts: change(parts) });
  const report = await replay({ store, run, parts });
  expect(report.firstDifference).toMatch(/^bundle\.js is missing since the sealing/);
  expect(report.firstDifference).toMatch(reason);
  expect(failedChecks(report)).toEqual(['missing', 'code', 'strict replay']);
});

test.each([
  ['a package file', 'models/flights/1/model.onnx', 'deleted'],
  ['a package manifest', 'models/flights/1/manifest.json', 'deleted'],
  ['a package manifest', 'models/flights/1/manifest.json', 'altered'],
  ['a snapshot', 'snapshots/flights/[0-9a-f]+', 'deleted'],
  ['a snapshot', 'snapshots/flights/[0-9a-f]+', 'altered'],
  ['a part of a snapshot', 'snapshots/flights/parts/', 'deleted'],
  ['a part of a snapshot', 'snapshots/flights/parts/', 'altered'],
  ['the outcome', 'outcome.json', 'deleted'],
])('a run is sealed although %s (%s) was %s before, and replay names it', async (_, part, how) => {
  const whole = createMemoryObjectStore();
  const { run, parts } = await fillBucket(whole, recording);
  const key = await keyWith(whole, part);
  if (how === 'altered') await alter(whole, key);
  const store = how === 'deleted' ? without(whole, key) : whole;
  await seal({ store, run, parts });
  const report = await replay({ store, run, parts });
  expect(report.verdict).toBe('DIFFERENT');
  expect(report.firstDifference).toContain(`${key} is missing since the sealing`);
  expect(report.checks).toContainEqual(expect.objectContaining({ name: 'objects', status: 'ok' }));
});

test('a bucket that does not answer is no missing evidence: the sealing fails and is tried again', async () => {
  const whole = createMemoryObjectStore();
  const { run, parts } = await fillBucket(whole, recording);
  const down = () => Promise.reject(new CodedError('SERVICE_UNAVAILABLE', 'S3 did not answer.'));
  const key = 'models/flights/1/manifest.json';
  const store: ObjectStore = { ...whole, read: (at, ...rest) => (at === key ? down() : whole.read(at, ...rest)) };
  await expect(seal({ store, run, parts })).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});

test('a mere mention is sealed where it is whole, named where it was altered, and passed over where nothing stands', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const { snapshots, packages } = parts.references;
  const [version] = packages;
  if (version === undefined) throw new Error('no package');
  const nowhere = {
    snapshots: [{ dataset: 'x', digest: 'c'.repeat(64), rows: 1 }],
    packages: [{ ...version, modelVersion: '7' }],
  };
  const none = { snapshots: [], packages: [] };

  const mentioned = { snapshots: [...snapshots, ...nowhere.snapshots], packages: [...packages, ...nowhere.packages] };
  const whole = { store, run, parts: { ...parts, references: { ...none, mentioned } } };
  expect(await seal(whole)).toMatchObject({ objects: 15 });
  expect((await replay(whole)).verdict).toBe('IDENTICAL');

  await alter(store, 'models/flights/1/manifest.json');
  const other = { ...run, runId: 'other' };
  for (const name of ['run.json', 'outcome.json'])
    await store.write(runFolder(other) + name, (await store.read(runFolder(run) + name)).bytes);
  await seal({ ...whole, run: other });
  const { checks } = await replay({ ...whole, run: other });
  expect(checks.filter(({ name }) => name === 'missing').map(({ detail }) => detail)).toEqual([
    expect.stringContaining('models/flights/1/manifest.json is missing since the sealing'),
  ]);
});

test.each(['bundleSha256', 'lockfileSha256'])(
  "a run.json whose %s is not the capsule's is different although the signature holds",
  async (field) => {
    const store = createMemoryObjectStore();
    const { run, parts } = await fillBucket(store, recording);
    const key = `${runFolder(run)}run.json`;
    const environment = { ...parts.environment, [field]: 'd'.repeat(64) };
    await store.write(key, bytesOf({ ...(await documentAt(store, key)), environment }));
    await seal({ store, run, parts });
    const report = await replay({ store, run, parts });
    expect(failedChecks(report)).toEqual(['code']);
    expect(report.firstDifference).toContain(`${key} says at $.environment.${field} "${'d'.repeat(64)}", the capsule`);
  },
);

test.each([
  ['bundle', { bundleSha256: 'd'.repeat(64) }],
  ['lockfile', { lockfileSha256: 'd'.repeat(64) }],
  ['lockfile', { lockfileSha256: null }],
])('a sealed %s that is not the one of the environment %j is different', async (kind, change) => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const key = `${runFolder(run)}run.json`;
  const environment = { ...parts.environment, ...change };
  await store.write(key, bytesOf({ ...(await documentAt(store, key)), environment }));
  await seal({ store, run, parts: { ...parts, environment } });
  const report = await replay({ store, run, parts });
  expect(report.firstDifference).toContain(
    `the run recorded the ${kind} ${Object.values(change)[0] ?? 'none'}, archived is`,
  );
});

test("a run.json whose environment is not the one that the run's first step answered is different", async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  const answer = {
    event: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED',
    from: '{"auc":0.95}',
    to: '{"environment":{"node":"v9"}}',
  };
  const [own, ...children] = parts.histories;
  if (own === undefined) throw new Error('no history');
  const histories = [tamper(rewrite(own, '"measure"', '"recordStart"'), answer), ...children];
  await seal({ store, run, parts: { ...parts, histories } });
  const { checks } = await replay({ store, run, parts });
  const records = checks.find(({ name }) => name === 'records');
  expect(records?.detail).toContain(`${runFolder(run)}run.json: at $.environment`);
});

test('a run.json that is no JSON is sealed as it is, and replay says so', async () => {
  const store = createMemoryObjectStore();
  const { run, parts } = await fillBucket(store, recording);
  await store.write(`${runFolder(run)}run.json`, Buffer.from('{"cut'));
  await seal({ store, run, parts });
  expect((await replay({ store, run, parts })).firstDifference).toContain('run.json says at $.environment nothing');
});

function failedChecks(report: ReplayReport): readonly string[] {
  return report.checks.filter(({ status }) => status === 'failed').map(({ name }) => name);
}

function withBundle(parts: CapsuleParts, body: Uint8Array | null): CapsuleParts {
  return { ...parts, bundle: body === null ? null : { body, sha256: recording.bundleSha256 } };
}

async function documentAt(store: ObjectStore, key: string): Promise<object> {
  return JSON.parse(new TextDecoder().decode((await store.read(key)).bytes)) as object;
}

/** The one key that holds a text. */
async function keyWith(store: ObjectStore, part: string): Promise<string> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) if (new RegExp(part).test(key)) keys.push(key);
  const [key] = keys;
  if (key === undefined || keys.length !== 1) throw new Error(`Keys with ${part}: ${keys.join(', ')}`);
  return key;
}

/** The bucket after someone deleted one object. */
function without(store: ObjectStore, key: string): ObjectStore {
  const elsewhere = (at: string) => (at === key ? `${key}.deleted` : at);
  return {
    ...store,
    head: (at, ...rest) => store.head(elsewhere(at), ...rest),
    read: (at, ...rest) => store.read(elsewhere(at), ...rest),
    stream: (at, ...rest) => store.stream(elsewhere(at), ...rest),
  };
}
