import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { policyKey, readPolicy } from '../../stores/policies.ts';
import { settingsOf } from '../support/cli.ts';
import { perduraHere } from '../support/cli-here.ts';
import { freshBucketName, testServices } from '../support/services.ts';
import { setRoute } from '../serving/harness.ts';
import { useTestKey } from '../support/test-key.ts';
import { putTinyPackage } from '../support/tiny-model.ts';

const services = testServices();
const s3 = { ...services.s3, bucket: freshBucketName() };
const store = createS3ObjectStore(s3);
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-policy-'));
  await useTestKey(join(folder, 'home'));
});
afterAll(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

/** Exit code and JSON answer of `perdura policy …`. */
async function policy(words: readonly string[], home = 'home') {
  const { exitCode, stdout } = await perduraHere(['policy', ...words, '--json'], {
    folder,
    environment: { PERDURA_HOME: join(folder, home), ...settingsOf({ ...services, s3 }) },
  });
  return { exitCode, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
}

const why = ['--why', 'test'] as const;

test('a policy is declared from a file, and shown as a file takes it', async () => {
  await writeFile(join(folder, 'policy.json'), '{"limits":{"requestsPerSecond":50}}');
  const set = await policy(['set', 'flights', '--file', 'policy.json', ...why]);
  expect(set).toMatchObject({ exitCode: 0, answer: { endpoint: 'flights', epoch: 1, behind: [] } });
  const shown = await policy(['show', 'flights']);
  expect(shown).toMatchObject({ exitCode: 0, answer: { declared: true, problem: null, why: 'test' } });
  expect(shown.answer['policy']).toMatchObject({ limits: { requestsPerSecond: 50, rowsPerRequest: 4_096 } });
  await writeFile(join(folder, 'shown.json'), JSON.stringify(shown.answer['policy']));
  expect(await policy(['set', 'flights', '--file', 'shown.json', ...why])).toMatchObject({ answer: { epoch: 2 } });
});

test('columns that neither records nor features have are pointed out, and taken all the same', async () => {
  await setRoute(store, 'arrivals', {
    champion: await putTinyPackage(store, { model: 'arrivals', modelVersion: '1' }, { bias: 0 }),
  });
  const log = { redact: ['orgin', 'hour'], encrypt: { columns: ['distance'], group: 'customer' } };
  await writeFile(join(folder, 'log.json'), JSON.stringify({ log }));
  const set = await policy(['set', 'arrivals', '--file', 'log.json', ...why]);
  expect(set).toMatchObject({ exitCode: 0, answer: { unknownColumns: ['orgin', 'customer'] } });
  expect((await readPolicy(store, 'arrivals'))?.policy.log.redact).toEqual(['orgin', 'hour']);
});

test('without a policy the open one is shown', async () => {
  const { exitCode, answer } = await policy(['show', 'trains']);
  expect(exitCode).toBe(0);
  expect(answer).toMatchObject({ declared: false, epoch: 0, policy: { access: null, review: null } });
});

test('a key is shown once and kept as its SHA-256; taken away, the endpoint stays closed', async () => {
  const added = await policy(['add-key', 'keyed', '--name', 'website', '--tester', ...why]);
  expect(added).toMatchObject({
    exitCode: 0,
    answer: { name: 'website', key: expect.stringMatching(/^perdura_.{43}$/) },
  });
  const key = String(added.answer['key']);
  const sha256 = createHash('sha256').update(key).digest('hex');
  const stored = await readPolicy(store, 'keyed');
  expect(stored?.policy.access).toEqual({
    apiKeys: [{ name: 'website', sha256, tester: true, requestsPerSecond: null }],
    oidc: null,
  });
  expect(JSON.stringify(stored)).not.toContain(key);
  expect((await policy(['add-key', 'keyed', '--name', 'website', ...why])).exitCode).toBe(2);
  expect(await policy(['remove-key', 'keyed', '--name', 'app', ...why])).toMatchObject({
    exitCode: 1,
    answer: { error: { code: 'NOT_FOUND', message: expect.stringContaining('website') } },
  });
  expect(await policy(['remove-key', 'keyed', '--name', 'website', ...why])).toMatchObject({
    answer: { closed: true },
  });
  expect((await readPolicy(store, 'keyed'))?.policy.access).toEqual({ apiKeys: [], oidc: null });
});

test.each([
  ['{"limit":{}}', 'limit'],
  ['[1]', 'no JSON object'],
  ['{', 'is not JSON'],
])('the file %s is refused', async (text, says) => {
  await writeFile(join(folder, 'bad.json'), text);
  const { exitCode, answer } = await policy(['set', 'bad', '--file', 'bad.json', ...why]);
  expect(exitCode).not.toBe(0);
  expect(answer).toMatchObject({ error: { code: 'INPUT_INVALID', message: expect.stringContaining(says) } });
  expect(await readPolicy(store, 'bad')).toBeNull();
});

test('a policy that was altered is shown with the problem, exit 1', async () => {
  await policy(['add-key', 'altered', '--name', 'a', ...why]);
  const { bytes } = await store.read(policyKey('altered'));
  const opened = Buffer.from(bytes).toString().replace('"tester":false', '"tester":true');
  await store.write(policyKey('altered'), Buffer.from(opened));
  expect(await policy(['show', 'altered'])).toMatchObject({
    exitCode: 1,
    answer: { problem: expect.stringContaining('was altered') },
  });
  expect(await policy(['add-key', 'altered', '--name', 'b', ...why])).toMatchObject({
    exitCode: 1,
    answer: { error: { code: 'ROUTE_UNTRUSTED' } },
  });
});

test('another machine, which does not trust the key, sees that', async () => {
  const { exitCode, answer } = await policy(['show', 'flights'], 'elsewhere');
  expect(exitCode).toBe(1);
  expect(answer['problem']).toMatch(/trusted here is no key/);
});
