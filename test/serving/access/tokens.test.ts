import { createHmac } from 'node:crypto';

import { createAdmission } from '../../../serving/access/create-admission.ts';
import type { EndpointPolicy, OidcPolicy } from '../../../domain/endpoint-policy.ts';
import { audience, type Issuer, startIssuer } from './issuer.ts';
import { nobody, policyWith, refusal, sha256, withKey, withToken } from './policies.ts';

let issuer: Issuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.close());

function policyOf(oidc: Partial<OidcPolicy> = {}): EndpointPolicy {
  const all = { issuer: issuer.url, audience, jwksUrl: null, scope: null, testerScope: null, ...oidc };
  return policyWith({ apiKeys: [], oidc: all });
}

/** An admission whose clock the test moves. */
function atTime() {
  let aheadMs = 0;
  const lines: string[] = [];
  const admission = createAdmission({
    now: () => Date.now() + aheadMs,
    share: () => 1,
    asked: () => undefined,
    report: (line) => void lines.push(line),
    keysCooldownMs: 0,
  });
  return { admission, lines, pass: (ms: number) => void (aheadMs += ms) };
}

const base64 = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');

test('a token of the issuer lets its subject in, found by discovery', async () => {
  const { admission } = atTime();
  const caller = await admission.admit(policyOf(), withToken(await issuer.token()));
  expect(caller).toEqual({ name: 'ada', tester: false });
});

test('a token that was seen before is let in at once, without a promise and without the issuer', async () => {
  const { admission } = atTime();
  const policy = policyOf({ jwksUrl: `${issuer.url}/keys` });
  const token = withToken(await issuer.token());
  await admission.admit(policy, token);
  await issuer.close();
  expect(admission.admit(policy, token)).toEqual({ name: 'ada', tester: false });
});

test('a token is refused half a minute after it expired, also one that was seen before', async () => {
  const { admission, pass } = atTime();
  const policy = policyOf();
  const token = withToken(await issuer.token({}, { expiresAt: new Date(Date.now() + 60_000) }));
  await admission.admit(policy, token);
  pass(60_000 + 20_000);
  await admission.admit(policy, token);
  pass(15_000);
  const { code, message } = await refusal(admission, policy, token);
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toContain('"exp" claim timestamp check failed');
});

test.each([
  ['another audience', { audience: 'somebody-else' }, '"aud" claim'],
  ['another issuer', { issuer: 'https://issuer.example' }, '"iss" claim'],
])('a token of %s is refused', async (_, options, reason) => {
  const { admission } = atTime();
  const { code, message } = await refusal(admission, policyOf(), withToken(await issuer.token({}, options)));
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toContain(reason);
});

test('a token with alg none is refused', async () => {
  const { admission } = atTime();
  const [, claims = ''] = (await issuer.token()).split('.');
  for (const signature of ['', 'AAAA']) {
    const token = `${base64({ alg: 'none' })}.${claims}.${signature}`;
    expect((await refusal(admission, policyOf(), withToken(token))).code).toBe('UNAUTHENTICATED');
  }
});

test('a token signed by HS256 with the public key as its secret is refused', async () => {
  const { admission } = atTime();
  const [, claims = ''] = (await issuer.token()).split('.');
  const signed = `${base64({ alg: 'HS256', kid: 'key-1' })}.${claims}`;
  for (const secret of [JSON.stringify(issuer.publicKey()), issuer.publicKey().x ?? '']) {
    const signature = createHmac('sha256', secret).update(signed).digest('base64url');
    const { code, message } = await refusal(admission, policyOf(), withToken(`${signed}.${signature}`));
    expect(code).toBe('UNAUTHENTICATED');
    expect(message).toContain('"alg"');
  }
});

test('a token whose claims were changed is refused', async () => {
  const { admission } = atTime();
  const [header, , signature] = (await issuer.token()).split('.');
  const claims = base64({ sub: 'eve', iss: issuer.url, aud: audience, exp: Math.floor(Date.now() / 1_000) + 600 });
  const { code, message } = await refusal(admission, policyOf(), withToken(`${header}.${claims}.${signature}`));
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toContain('signature verification failed');
});

test('a token of a key that the issuer took into use since is let in, one of the key before is not', async () => {
  const { admission } = atTime();
  const policy = policyOf();
  await admission.admit(policy, withToken(await issuer.token()));
  const old = await issuer.token({ jti: 'never seen' });
  await issuer.rotate();
  await admission.admit(policy, withToken(await issuer.token()));
  expect(issuer.fetched()).toBe(2);
  const { code, message } = await refusal(admission, policy, withToken(old));
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toContain('no applicable key found');
});

test('while the issuer is away new tokens are a SERVICE_UNAVAILABLE where its keys are not known', async () => {
  const { admission } = atTime();
  const token = withToken(await issuer.token());
  await issuer.close();
  const { code, message } = await refusal(admission, policyOf(), token);
  expect(code).toBe('SERVICE_UNAVAILABLE');
  expect(message).toContain(issuer.url);
});

test('while the issuer is away its known keys hold for a day, and it is asked in the background', async () => {
  const { admission, lines, pass } = atTime();
  const policy = policyOf();
  const far = new Date(Date.now() + 7 * 86_400_000);
  await admission.admit(policy, withToken(await issuer.token({}, { expiresAt: far })));
  const [second, third] = [await issuer.token({ jti: '2' }, { expiresAt: far }), await issuer.token({ jti: '3' })];
  await issuer.close();
  pass(3_000_000);
  await admission.admit(policy, withToken(second));
  for (const end = Date.now() + 5_000; lines.length === 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(lines[0]).toContain('could not be refreshed, the known ones hold');
  pass(86_400_000);
  expect((await refusal(admission, policy, withToken(third))).code).toBe('SERVICE_UNAVAILABLE');
});

test.each([null, '/keys'])('an issuer that was away is asked again when it is back (%p)', async (path) => {
  const { admission, pass } = atTime();
  const policy = policyOf({ jwksUrl: path === null ? null : `${issuer.url}${path}` });
  const token = withToken(await issuer.token());
  await issuer.close();
  expect((await refusal(admission, policy, token)).code).toBe('SERVICE_UNAVAILABLE');
  await issuer.open();
  pass(2_000);
  expect(await admission.admit(policy, token)).toEqual({ name: 'ada', tester: false });
});

test('keys are not fetched over plain http from another machine', async () => {
  const { admission } = atTime();
  const policy = policyOf({ jwksUrl: 'http://issuer.example/keys' });
  const { code, message } = await refusal(admission, policy, withToken(await issuer.token()));
  expect(code).toBe('SERVICE_UNAVAILABLE');
  expect(message).toContain('http://issuer.example/keys is not reached by https');
});

test('a token without the scope of the policy is FORBIDDEN, and is told which one', async () => {
  const { admission } = atTime();
  const policy = policyOf({ scope: 'predict', testerScope: 'test' });
  const { code, message } = await refusal(admission, policy, withToken(await issuer.token({ scope: 'read write' })));
  expect(code).toBe('FORBIDDEN');
  expect(message).toContain("'predict'");
});

test.each([
  ['text', { scope: 'predict test' }],
  ['a list', { scp: ['predict', 'test'] }],
])('scopes may come as %s, and make a tester', async (_, claims) => {
  const { admission } = atTime();
  const policy = policyOf({ scope: 'predict', testerScope: 'test' });
  const caller = await admission.admit(policy, withToken(await issuer.token(claims)));
  expect(caller).toEqual({ name: 'ada', tester: true });
});

test.each(['Basic YWRhOmFkYQ==', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer a.b.c', `Bearer ${'x'.repeat(50_000)}`])(
  'what is no token is refused: %.20s',
  async (authorization) => {
    const { admission } = atTime();
    const { code, details } = await refusal(admission, policyOf(), { authorization, apiKey: null });
    expect(code).toBe('UNAUTHENTICATED');
    expect(details['wwwAuthenticate']).toBe('Bearer error="invalid_token"');
  },
);

test('with keys and an issuer either is enough, and who sends neither is told both', async () => {
  const { admission } = atTime();
  const { access } = policyOf();
  const apiKeys = [{ name: 'batch', sha256: sha256('prd_batch'), tester: false, requestsPerSecond: null }];
  const policy = policyWith({ apiKeys, oidc: access?.oidc ?? null });
  expect(await admission.admit(policy, withKey('prd_batch'))).toEqual({ name: 'batch', tester: false });
  expect(await admission.admit(policy, withToken(await issuer.token()))).toEqual({ name: 'ada', tester: false });
  const { message } = await refusal(admission, policy, nobody);
  expect(message).toContain(`Send an API key (x-api-key) or a token of ${issuer.url} (authorization: Bearer).`);
});
