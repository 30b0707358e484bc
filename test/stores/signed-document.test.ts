import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { requireSignedDocument, signDocument } from '../../stores/signing/signed-document.ts';
import { openSigningKey, sign, type Statement } from '../../stores/signing/signing.ts';
import type { TrustedKey } from '../../stores/signing/trusted-keys.ts';
import { pythonWith } from '../support/python.ts';
import { testKey } from '../support/test-key.ts';

const run = promisify(execFile);
const key = await testKey();
const trusted: readonly TrustedKey[] = [{ ...key, file: 'own.pem' }];
const name = 'routes/flights.json';
const value = { endpoint: 'flights', epoch: 3, arms: [{ name: 'champion', weight: 33.3 }], why: 'Grüße' };

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perdura-signed-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As it comes back from the bucket. */
function asStored<T>(given: T): T {
  return JSON.parse(JSON.stringify(given)) as T;
}

function refusal(...checked: Parameters<typeof requireSignedDocument>): unknown {
  try {
    requireSignedDocument(...checked);
    return null;
  } catch (error) {
    return error;
  }
}

test('a document that was signed is taken, in whatever order its members come back', () => {
  const signature = asStored(signDocument(key, name, value));
  const { why, ...rest } = value;
  expect(refusal(name, { why, ...asStored(rest) }, signature, trusted)).toBeNull();
});

test.each([
  ['another value', name, { ...value, epoch: 4 }, 'was altered'],
  ['a member more', name, { ...value, more: 1 }, 'was altered'],
  ['another name', 'routes/trains.json', value, "has the signature of 'routes/flights.json'"],
])('a signature does not hold for %s', (_, otherName, otherValue, says) => {
  const signature = signDocument(key, name, value);
  expect(refusal(otherName, otherValue, signature, trusted)).toMatchObject({
    code: 'ROUTE_UNTRUSTED',
    message: expect.stringContaining(says),
  });
});

test('a document without a signature, or with something else in its place, is refused', () => {
  for (const none of [null, undefined, {}, 'signed', { ...signDocument(key, name, value), mediaType: 'other' }])
    expect(refusal(name, value, none, trusted)).toMatchObject({ code: 'ROUTE_UNTRUSTED' });
});

test("a stranger's signature is refused, and both keys are named", async () => {
  const stranger = await openSigningKey(join(folder, 'stranger'));
  const signature = signDocument(stranger, name, value);
  const message = expect.stringMatching(new RegExp(`signed with key ${stranger.hint}; trusted here are ${key.hint}`));
  expect(refusal(name, value, signature, trusted)).toMatchObject({ code: 'ROUTE_UNTRUSTED', message });
  expect(refusal(name, value, signature, [{ ...stranger, file: 'added.pem' }])).toBeNull();
});

test("a stranger's signature under the hint of a trusted key is refused", async () => {
  const stranger = await openSigningKey(join(folder, 'stranger'));
  const signature = signDocument({ ...stranger, hint: key.hint }, name, value);
  expect(refusal(name, value, signature, trusted)).toMatchObject({
    code: 'ROUTE_UNTRUSTED',
    message: expect.stringContaining('does not hold'),
  });
});

test('a signature of another kind of statement is refused', () => {
  const statement = Buffer.from(signDocument(key, name, value).dsseEnvelope.payload, 'base64').toString();
  const other = { ...(JSON.parse(statement) as Statement), predicateType: 'https://model_signing/signature/v1.0' };
  expect(refusal(name, value, sign(key, other), trusted)).toMatchObject({ code: 'ROUTE_UNTRUSTED' });
});

/** Checks a stored document with `cryptography` of PyPI and Python's own json: the envelope as the DSSE specification says it. */
const check = `
import base64, hashlib, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
document = json.load(open(sys.argv[1]))
key = serialization.load_pem_public_key(open(sys.argv[2], 'rb').read())
bundle = document.pop('signature')
envelope = bundle['dsseEnvelope']
payload, kind = base64.b64decode(envelope['payload']), envelope['payloadType'].encode()
signed = b' '.join([b'DSSEv1', str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
key.verify(base64.b64decode(envelope['signatures'][0]['sig']), signed, ec.ECDSA(hashes.SHA256()))
text = json.dumps(document, sort_keys=True, separators=(',', ':'), ensure_ascii=False)
[subject] = json.loads(payload)['subject']
assert subject['digest']['sha256'] == hashlib.sha256(text.encode()).hexdigest(), text
print(subject['name'])
`;

test('Python checks a stored document without any of our code', async () => {
  const python = await pythonWith(fileURLToPath(new URL('../support/requirements/model-signing.txt', import.meta.url)));
  const files = { script: join(folder, 'check.py'), key: join(folder, 'key.pub'), document: join(folder, 'a.json') };
  await writeFile(files.script, check);
  await writeFile(files.key, key.publicPem);
  await writeFile(files.document, JSON.stringify({ ...value, signature: signDocument(key, name, value) }));
  const { stdout } = await run(python, [files.script, files.document, files.key]);
  expect(stdout.trim()).toBe(name);
  await writeFile(files.document, JSON.stringify({ ...value, epoch: 4, signature: signDocument(key, name, value) }));
  await expect(run(python, [files.script, files.document, files.key])).rejects.toThrow('AssertionError');
}, 300_000);
