import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Statement, openSigningKey, sign, verify } from '../../stores/signing/signing.ts';

const statement: Statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'evidence/w/r/manifest.json', digest: { sha256: 'a'.repeat(64) } }],
  predicateType: 'urn:perdura:evidence-capsule:v1',
  predicate: { root: 'b'.repeat(64), note: 'é 😀' },
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-signing-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('what was signed is what verifying returns', async () => {
  const key = await openSigningKey(join(folder, 'keys'));
  expect(verify(JSON.parse(JSON.stringify(sign(key, statement))), key.publicPem)).toEqual(statement);
});

test('the key is made once, by whoever comes first, and only its owner reads it', async () => {
  const keys = join(folder, 'race');
  const opened = await Promise.all(Array.from({ length: 8 }, () => openSigningKey(keys)));
  expect(new Set(opened.map(({ hint }) => hint)).size).toBe(1);
  expect((await stat(join(keys, 'signing-key.pem'))).mode & 0o777).toBe(0o600);
});

test('a signature by securesystemslib 1.6.0 verifies', () => {
  const file = new URL('./fixtures/securesystemslib-1.6.0.json', import.meta.url);
  const golden = JSON.parse(readFileSync(file, 'utf8')) as { publicPem: string; bundle: unknown };
  expect(verify(golden.bundle, golden.publicPem).predicate).toEqual({ note: 'é 😀' });
});

test('an altered payload does not verify', async () => {
  const key = await openSigningKey(join(folder, 'keys'));
  const bundle = sign(key, statement);
  const payload = Buffer.from(JSON.stringify({ ...statement, predicate: {} })).toString('base64');
  const altered = { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payload } };
  expect(() => verify(altered, key.publicPem)).toThrow('does not fit its statement');
});

test('a signature by another key does not verify', async () => {
  const key = await openSigningKey(join(folder, 'keys'));
  const other = await openSigningKey(join(folder, 'other'));
  expect(() => verify(sign(other, statement), key.publicPem)).toThrow(`names key ${other.hint}`);
});

test('a second signature is refused, because verifiers look at the first only', async () => {
  const key = await openSigningKey(join(folder, 'keys'));
  const bundle = sign(key, statement);
  const signatures = [...bundle.dsseEnvelope.signatures, { sig: '', keyid: '' }];
  const doubled = { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures } };
  expect(() => verify(doubled, key.publicPem)).toThrow('exactly one signature');
});
