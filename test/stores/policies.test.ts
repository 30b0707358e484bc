import { type EndpointPolicy, openPolicy } from '../../domain/endpoint-policy.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { editPolicy, policyKey, readPolicy, writePolicy } from '../../stores/policies.ts';
import { requireSignedDocument } from '../../stores/signing/signed-document.ts';
import { codeOf } from '../contracts/object-store.ts';
import { testKey, testTrust } from '../support/test-key.ts';

const at = '2001-03-01T00:00:00.000Z';
const key = await testKey();
const by = { who: 'ada', why: 'test' };

async function current(store: ObjectStore): Promise<EndpointPolicy | undefined> {
  return (await readPolicy(store, 'flights'))?.policy;
}

test('an endpoint without a policy has none', async () => {
  expect(await readPolicy(createMemoryObjectStore(), 'flights')).toBeNull();
});

test('what a file leaves out of a section is what holds without a policy, and sections that it leaves out stay', async () => {
  const store = createMemoryObjectStore();
  const first = { limits: { requestsPerSecond: 50, rowsPerRequest: 8 }, ...by };
  expect(await writePolicy(store, 'flights', first, { at, key })).toMatchObject({ epoch: 1, who: 'ada', at });
  const declared = JSON.parse('{"log":{"redact":["origin"]}}') as Pick<EndpointPolicy, 'log'>;
  await writePolicy(store, 'flights', { ...declared, ...by }, { at: '2001-03-02T00:00:00.000Z', key });
  expect(await current(store)).toEqual({
    ...openPolicy('flights'),
    epoch: 2,
    log: { sample: 1, redact: ['origin'], encrypt: null },
    limits: { requestsPerSecond: 50, rowsPerRequest: 8 },
    at: '2001-03-02T00:00:00.000Z',
    ...by,
  });
});

test('what is written is signed by the key, and stands under the etag that head shows', async () => {
  const store = createMemoryObjectStore();
  await writePolicy(store, 'flights', { review: { below: 0.6 }, ...by }, { at, key });
  const found = await readPolicy(store, 'flights');
  requireSignedDocument(policyKey('flights'), found?.policy, found?.signature, await testTrust());
  expect(found?.etag).toBe((await store.head('policies/flights.json')).etag);
});

test('the same declaration at the same time is written once', async () => {
  const store = createMemoryObjectStore();
  for (const _ of [1, 2]) await writePolicy(store, 'flights', { review: null, ...by }, { at, key });
  expect(await store.versions('policies/flights.json')).toHaveLength(1);
});

test('of edits at once none is lost', async () => {
  const store = createMemoryObjectStore();
  const names = Array.from({ length: 8 }, (_, index) => `key-${index}`);
  const add = (name: string) =>
    editPolicy(
      store,
      'flights',
      ({ access }) => {
        const sha256 = name.replace('key-', '').padStart(64, '0');
        const apiKeys = [...(access?.apiKeys ?? []), { name, sha256, tester: false, requestsPerSecond: null }];
        return { access: { apiKeys, oidc: null }, who: name, why: 'test' };
      },
      { at, key },
    );
  await Promise.all(names.map(add));
  const policy = await current(store);
  expect(policy?.access?.apiKeys.map(({ name }) => name).toSorted()).toEqual(names);
  expect(policy?.epoch).toBe(8);
});

test('a policy that nobody trusts is not built upon, and all of it declared anew replaces it', async () => {
  const store = createMemoryObjectStore();
  await writePolicy(store, 'flights', { access: { apiKeys: [], oidc: null }, ...by }, { at, key });
  const found = await readPolicy(store, 'flights');
  const opened = { ...found?.policy, access: null, signature: found?.signature };
  await store.write(policyKey('flights'), new TextEncoder().encode(JSON.stringify(opened)));
  const some = { review: { below: 0.5 }, ...by };
  expect(await codeOf(writePolicy(store, 'flights', some, { at, key }))).toBe('ROUTE_UNTRUSTED');
  const { log, review, access, limits } = openPolicy('flights');
  const all = { log, review, access, limits, ...by };
  expect(await writePolicy(store, 'flights', all, { at, key })).toMatchObject({ epoch: 2, access: null });
});

test('all problems of a policy are told at once, by the names of the file, and nothing is written', async () => {
  const store = createMemoryObjectStore();
  const declared = JSON.parse(`{
    "log": { "sample": 2, "redact": ["name"], "encrypt": { "columns": ["name"], "groups": "person" } },
    "review": { "below": "0.5" },
    "access": { "apiKeys": [{ "name": "a", "sha256": "abc" }], "oidc": { "issuer": "ftp://a", "audience": "b" } },
    "limit": {}, "limits": { "rowsPerRequest": 0, "requestsPerSecond": 0 }
  }`) as Pick<EndpointPolicy, 'log'>;
  const problems = [
    /^log\.sample: must be at most 1$/,
    /^log\.encrypt: .*"groups"/,
    /^review\.below: must be a number$/,
    /^access\.apiKeys\.0\.sha256: must be a SHA-256/,
    /^access\.oidc\.issuer: must be an http\(s\) address$/,
    /^limits\.requestsPerSecond: must be above 0$/,
    /^limits\.rowsPerRequest: must be at least 1$/,
    /"limit"/,
  ];
  const refused = writePolicy(store, 'flights', { ...declared, ...by }, { at, key });
  await expect(refused).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { problems: expect.arrayContaining(problems.map((problem) => expect.stringMatching(problem))) },
  });
  expect(await readPolicy(store, 'flights')).toBeNull();
});

test.each([
  ['a column that is redacted cannot be encrypted', { log: { redact: ['a', 'b'], encrypt: { columns: ['b'] } } }],
  ['a column is named twice', { log: { redact: ['a', 'a'] } }],
  [
    'two keys have one name',
    { access: { apiKeys: ['1', '2'].map((digit) => ({ name: 'a', sha256: digit.repeat(64) })) } },
  ],
  ['one key stands twice', { access: { apiKeys: ['a', 'b'].map((name) => ({ name, sha256: '1'.repeat(64) })) } }],
  ['nothing is to be encrypted', { log: { encrypt: { columns: [] } } }],
])('INPUT_INVALID: %s', async (_, declared) => {
  const change = { ...(declared as object), ...by };
  expect(await codeOf(writePolicy(createMemoryObjectStore(), 'flights', change, { at, key }))).toBe('INPUT_INVALID');
});

test('a name that is no endpoint is INPUT_INVALID', async () => {
  const refused = writePolicy(createMemoryObjectStore(), '../routes/flights', { review: null, ...by }, { at, key });
  expect(await codeOf(refused)).toBe('INPUT_INVALID');
});
