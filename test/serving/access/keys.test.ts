import { createAdmission } from '../../../serving/access/create-admission.ts';
import { nobody, policyWith, refusal, sha256, withKey } from './policies.ts';

const unlimited = { now: () => Date.now(), share: () => 1, asked: () => undefined };
const policy = policyWith({
  apiKeys: [
    { name: 'batch', sha256: sha256('prd_batch'), tester: false, requestsPerSecond: null },
    { name: 'lab', sha256: sha256('prd_lab').toUpperCase(), tester: true, requestsPerSecond: null },
  ],
  oidc: null,
});

test('an endpoint without access in its policy lets everybody in, as testers', () => {
  expect(createAdmission(unlimited).admit(policyWith(null), nobody)).toEqual({ name: null, tester: true });
});

test('a key lets its holder in under its name, at once and not as a promise', () => {
  const admission = createAdmission(unlimited);
  expect(admission.admit(policy, withKey('prd_batch'))).toEqual({ name: 'batch', tester: false });
  expect(admission.admit(policy, withKey('prd_lab'))).toEqual({ name: 'lab', tester: true });
});

test('a request without a key is told which one to send', async () => {
  const { code, message, details } = await refusal(createAdmission(unlimited), policy, nobody);
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toBe("Endpoint 'flights' asks who calls. Send an API key (x-api-key).");
  expect(details['wwwAuthenticate']).toBe('ApiKey');
});

test.each(['prd_other', 'PRD_BATCH', 'prd_batch ', '', sha256('prd_batch'), 'x'.repeat(100_000)])(
  'a wrong key is refused: %p',
  async (key) => {
    const { code, message } = await refusal(createAdmission(unlimited), policy, withKey(key));
    expect(code).toBe('UNAUTHENTICATED');
    expect(message).not.toContain('prd_');
  },
);

test('a policy with neither keys nor an issuer lets nobody in, and says so', async () => {
  const closed = policyWith({ apiKeys: [], oidc: null });
  const { code, message } = await refusal(createAdmission(unlimited), closed, withKey('prd_batch'));
  expect(code).toBe('UNAUTHENTICATED');
  expect(message).toContain('Its policy lets nobody in');
});

test('a key that a new policy no longer has is refused from that policy on', async () => {
  const admission = createAdmission(unlimited);
  await admission.admit(policy, withKey('prd_batch'));
  const without = policyWith({ apiKeys: [], oidc: null });
  expect((await refusal(admission, without, withKey('prd_batch'))).code).toBe('UNAUTHENTICATED');
});
